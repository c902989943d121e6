"""An application with an admin page: a rich settings model, people with rights, and a browser."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from bs4 import BeautifulSoup, Tag
from flask import Flask, request
from pydantic import AwareDatetime, ByteSize, Field, SecretStr, model_validator
from werkzeug.test import TestResponse

from tests.support.apps import Apps
from tests.support.watch import Watch
from typed_waffle import Waffle, WaffleModel

__all__ = ["CANARY", "PREFIX", "Bakery", "Browser", "Office", "Oven", "Shift"]

PREFIX = "/settings"
CANARY = "hunter2-canary-of-the-office"
"""A secret that must never be seen in any answer."""


class Shift(enum.Enum):
    EARLY = "early"
    LATE = "late"


class Tls(WaffleModel):
    """How the connection is kept private."""

    verify: bool = True
    """Whether the certificate is checked."""
    versions: tuple[str, ...] = ("1.2", "1.3")


class Smtp(WaffleModel):
    """Where mail goes."""

    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    password: SecretStr = SecretStr("")
    tls: Tls = Tls()


class Oven(WaffleModel):
    """One oven of the bakery."""

    name: str = "old"
    degrees: int = 220


class Bakery(WaffleModel):
    """What the bakery is, and when it is open."""

    name: Annotated[str, Field(min_length=1, max_length=40)] = "Waffle"
    """Shown in the page header."""
    motto: str = "Crisp outside,\nsoft inside."
    greeting: Annotated[str, Field(max_length=60)] | None = None
    """Said to whoever comes in."""
    open: bool = True
    """Whether orders are taken."""
    shift: Shift = Shift.EARLY
    theme: Literal["light", "dark", "auto"] = "auto"
    price: Annotated[
        Decimal, Field(ge=0, max_digits=8, decimal_places=2, json_schema_extra={"unit": "EUR"})
    ] = Decimal("2.50")
    """Of one waffle."""
    seats: Annotated[int, Field(ge=1, le=500)] = 20
    low: int = 0
    high: int = 10
    ratio: Annotated[float, Field(ge=0, le=1)] = 0.5
    quota: Annotated[int, Field(ge=0)] | None = None
    upload: ByteSize = ByteSize(2 * 1024 * 1024)
    """The largest picture that is taken."""
    pause: timedelta = timedelta(seconds=90)
    opens: time = time(8, 30)
    since: date = date(2024, 2, 29)
    launched: AwareDatetime = datetime(2024, 1, 1, 12, tzinfo=UTC)
    tags: tuple[str, ...] = ("sweet", "warm")
    holidays: frozenset[date] = frozenset({date(2026, 12, 24), date(2026, 12, 25)})
    prices: Mapping[str, Decimal] = {"sugar": Decimal("2.50"), "cherry": Decimal("3.80")}
    ovens: tuple[Oven, ...] = (Oven(),)
    smtp: Smtp = Smtp()
    token: SecretStr = SecretStr("")
    """Of the payment service."""
    keys: Mapping[str, SecretStr] = {}

    @model_validator(mode="after")
    def _ordered(self) -> Bakery:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class Office:
    """A bakery with its admin page. Whoever the header `X-Actor` names comes in.

    Args:
        folder: Where the database is.
        model: Of the settings.
        may_read: As in `Waffle.admin`.
        may_write: As in `Waffle.admin`.
        keys: Flask's configuration.
    """

    def __init__(
        self,
        folder: Path,
        model: type[Any] = Bakery,
        *,
        may_read: Callable[[str, str], bool] | None = None,
        may_write: Callable[[str, str], bool] | None = None,
        keys: Mapping[str, object] | None = None,
    ) -> None:
        self.apps = Apps(folder)
        given = {"SECRET_KEY": "for the tests of the office", "TESTING": True, **(keys or {})}
        self.app: Flask = self.apps.app(**given)
        self.app.wsgi_app = Watch(self.app.wsgi_app, CANARY)  # type: ignore[method-assign] # as Flask's manual says
        self.waffle: Waffle[Any] = Waffle(model)
        self.waffle.init_app(self.app)
        self.app.register_blueprint(
            self.waffle.admin(
                PREFIX,
                authorize=lambda: request.headers.get("X-Actor"),
                may_read=may_read,
                may_write=may_write,
            )
        )

    def browser(self, actor: str | None = "ann") -> Browser:
        """Somebody at the page, with cookies of their own."""
        return Browser(self.app, actor)

    def settings(self) -> Any:  # noqa: ANN401 - of any model
        """The settings now."""
        with self.app.app_context():
            self.waffle.refresh()
            return self.waffle.snapshot().settings

    def revision(self) -> int:
        """The revision now."""
        with self.app.app_context():
            self.waffle.refresh()
            revision: int = self.waffle.snapshot().revision
            return revision

    def change(self, **fields: object) -> None:
        """Change settings as other code would."""
        with self.app.app_context(), self.waffle.edit(actor="bob", note="from elsewhere") as edit:
            edit.update(**fields)

    def change_elsewhere(self, model: type[Any], **fields: object) -> None:
        """Change settings as an application with another model would."""
        other: Waffle[Any] = Waffle(model)
        with other.connect({"WAFFLE_DATABASE_URL": self.apps.url}):
            other.update(**fields)

    def lose_database(self) -> None:
        """Put a folder where the database is: it does not answer from now on."""
        file = Path(self.apps.url.removeprefix("sqlite:///"))
        file.unlink(missing_ok=True)
        file.mkdir()

    def hide_database(self) -> Callable[[], None]:
        """As `lose_database`, until the function is called that this gives back."""
        file = Path(self.apps.url.removeprefix("sqlite:///"))
        kept = file.rename(file.with_suffix(".kept"))
        file.mkdir()

        def found() -> None:
            file.rmdir()
            kept.rename(file)

        return found

    def close(self) -> None:
        self.waffle.close()
        self.apps.close()


class Browser:
    """A browser without JavaScript: it keeps cookies, and sends forms as they stand."""

    def __init__(self, app: Flask, actor: str | None) -> None:
        self._client = app.test_client()
        self._headers = {} if actor is None else {"X-Actor": actor}
        self.response: TestResponse
        """The last answer."""
        self.soup: BeautifulSoup
        """The last page."""

    def get(self, path: str = "/", **options: Any) -> TestResponse:  # noqa: ANN401 - of the client
        """Look at a page; the path is below the prefix."""
        return self._seen(self._client.get(self._url(path), headers=self._headers, **options))

    def post(self, path: str, data: Mapping[str, object] | None = None) -> TestResponse:
        """Send a form's fields, with the token of the last page."""
        token = self.soup.find("input", {"name": "csrf_token"})
        own = {"csrf_token": str(token["value"])} if isinstance(token, Tag) else {}
        return self.send(path, {**own, **(data or {})})

    def send(self, path: str, data: Mapping[str, object]) -> TestResponse:
        """Send just these fields."""
        return self._seen(
            self._client.post(self._url(path), headers=self._headers, data=dict(data))
        )

    def submit(
        self, form: str, typed: Mapping[str, object] | None = None, button: str | None = None
    ) -> TestResponse:
        """Fill in a form of the last page and send it, by a button that is named `name=value`.

        Args:
            form: The form, as a CSS selector.
            typed: What to type by the names of the controls: a list if a name is there twice,
                `None` to leave a checkbox alone that was checked.
            button: Which button; without one, the form is sent to its own action.
        """
        found = self._form(form)
        data = {**fields_of(found), **(typed or {})}
        action = str(found["action"])
        if button is not None:
            pressed = next(b for b in found.find_all("button") if _named(b) == button)
            data[str(pressed["name"])] = str(pressed["value"])
            action = str(pressed.get("formaction", action))
        return self.send(action, {name: v for name, v in data.items() if v is not None})

    def back(self, typed: Mapping[str, object] | None = None) -> TestResponse:
        """Go back from the review to the form."""
        return self.send("/edit", {**self.fields("#review"), **(typed or {})})

    def fields(self, form: str) -> dict[str, Any]:
        """What a browser would send of a form of the last page."""
        return fields_of(self._form(form))

    def row(self, name: str) -> Tag:
        """The row of a setting."""
        return self._tag(f"s-{name}")

    def said(self, name: str) -> str:
        """What is said of a setting, its blanks as one."""
        return " ".join(self.row(name).get_text(" ").split())

    def control(self, name: str) -> Tag:
        """The control of a setting."""
        return self._tag(f"f-{name}")

    def errors(self, name: str) -> list[str]:
        """What is wrong with a setting."""
        return [found.get_text() for found in self.row(name).select(".error")]

    def _tag(self, name: str) -> Tag:
        found = self.soup.find(id=name)
        assert isinstance(found, Tag), f"there is no {name}"
        return found

    def _form(self, form: str) -> Tag:
        found = self.soup.select_one(form)
        assert found is not None, f"the page has no {form}: {self.soup.get_text()[:2000]}"
        return found

    def follow(self) -> TestResponse:
        """Go where the last answer redirects to."""
        return self.get(self.response.headers["Location"])

    @property
    def text(self) -> str:
        """What the last page says, its blanks as one."""
        return " ".join(self.soup.get_text(" ").split())

    def _seen(self, response: TestResponse) -> TestResponse:
        self.response = response
        if response.mimetype == "text/html":
            self.soup = BeautifulSoup(response.get_data(as_text=True), "html.parser")
        assert CANARY.encode() not in response.get_data(), "a secret is in the answer"
        return response

    def _url(self, path: str) -> str:
        if path.startswith(PREFIX) or "://" in path:
            return path
        return f"{PREFIX}/{path.lstrip('/')}"


def fields_of(form: Tag) -> dict[str, Any]:
    """What a browser would send of a form: lists, where a name is there more than once."""
    data: dict[str, Any] = {}
    for control in form.find_all(["input", "select", "textarea"]):
        if control.get("name") and not control.has_attr("disabled"):
            for value in _values(control):
                data.setdefault(str(control["name"]), []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in data.items()}


def _values(control: Tag) -> list[str]:
    if control.name == "textarea":
        # The first newline in a text area is left out, and lines end as in HTTP.
        text = control.get_text().removeprefix("\n")
        return [text.replace("\r\n", "\n").replace("\n", "\r\n")]
    if control.name == "select":
        options = control.find_all("option")
        chosen = [o for o in options if o.has_attr("selected")] or options[:1]
        return [str(o.get("value", o.get_text())) for o in chosen]
    if control.get("type") in {"checkbox", "radio"}:
        return [str(control.get("value", "on"))] if control.has_attr("checked") else []
    if control.get("type") in {"submit", "button", "reset", "image", "file"}:
        return []
    return [str(control.get("value", ""))]


def _named(button: Tag) -> str:
    return f"{button.get('name')}={button.get('value')}"
