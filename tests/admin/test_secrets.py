"""Secrets: whatever is done with one, no byte of any answer has it, and no line of the log.

Every answer to a test that has an office is watched like that, by `tests.support.watch`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import pytest
from pydantic import Field, Secret, SecretBytes, SecretStr, field_validator, model_validator

from tests.support.office import CANARY, Browser, Office
from tests.support.watch import told
from typed_waffle import WaffleModel

TOKEN = "the token of the operators, for tests"


class Box(WaffleModel):
    """With secrets in it."""

    key: SecretBytes = SecretBytes(CANARY.encode())
    named: Mapping[str, SecretStr] = {"one": SecretStr(CANARY)}
    size: int = 1


class Vault(WaffleModel):
    """Secrets of all kinds; some have one for their default."""

    pin: SecretStr = SecretStr(CANARY)
    picky: SecretStr = Field(default=SecretStr("a good one"), min_length=3)
    several: tuple[SecretStr, ...] = (SecretStr(CANARY),)
    made: Secret[str] = Secret(CANARY)
    perhaps: SecretStr | None = None
    box: Box = Box()
    boxes: tuple[Box, ...] = (Box(),)
    low: int = 0

    @field_validator("picky")
    @classmethod
    def _good(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() == CANARY:
            raise ValueError(f"{value.get_secret_value()} is not good")
        return value

    @model_validator(mode="after")
    def _ruled(self) -> Self:
        if self.low > 10 and self.perhaps:
            raise ValueError("low is too high")
        return self


@pytest.fixture
def office(offices: Callable[..., Office], caplog: pytest.LogCaptureFixture) -> Iterator[Office]:
    """A vault, and a log in which nothing may be."""
    caplog.set_level(logging.DEBUG)
    yield offices(Vault, keys={"WAFFLE_ADMIN_TOKEN": TOKEN, "PROPAGATE_EXCEPTIONS": False})
    assert not told(caplog.text.encode(), CANARY)


TYPED: tuple[Mapping[str, object], ...] = (
    {"v.pin": f"{CANARY}, anew"},
    {"v.perhaps": CANARY},
    {"v.box.key": f"{CANARY}, anew"},
    {"v.box.named": f'{{"two": "{CANARY}"}}'},
    {"v.several": f'["{CANARY}", "{CANARY}"]'},
    {"v.made": f"{CANARY}, anew", "v.low": "5"},
    {"v.boxes": f'[{{"key": "{CANARY}"}}]'},
)
REFUSED: tuple[Mapping[str, object], ...] = (
    {"v.picky": CANARY},
    {"v.perhaps": CANARY, "v.low": "11"},
    {"v.pin": CANARY, "v.low": "no number"},
    {"v.several": f'["{CANARY}", 1'},
    {"v.box.named": CANARY},
    {"v.boxes": f'[{{"key": "{CANARY}", "size": "{CANARY}"}}]'},
)


def typed(browser: Browser, values: Mapping[str, object]) -> None:
    browser.get("/")
    browser.submit("#settings", values)


@pytest.mark.parametrize("values", TYPED, ids=" ".join)
def test_typed_reviewed_and_saved(office: Office, values: Mapping[str, object]) -> None:
    """Through the review, back to the form, through it again, to the store and the history."""
    ann = office.browser()
    typed(ann, values)
    assert ann.response.status_code == 200
    assert "Review before saving" in ann.text
    edit = next(b for b in ann.soup.find_all("button") if "Back to editing" in b.get_text())
    ann.soup.select("#review")[0]["action"] = edit["formaction"]
    ann.submit("#review")
    ann.submit("#settings")
    ann.submit("#review", {"note": "why"})
    assert ann.response.status_code == 303
    ann.follow()
    everywhere(ann)


@pytest.mark.parametrize("values", REFUSED, ids=" ".join)
def test_typed_and_refused(office: Office, values: Mapping[str, object]) -> None:
    """With the reason, which a rule of the model's may have put it into."""
    ann = office.browser()
    typed(ann, values)
    assert ann.response.status_code == 422
    assert office.settings() == Vault()


def test_a_conflict(office: Office) -> None:
    """Two people changed the same secret: neither value is shown to choose from."""
    ann = office.browser()
    ann.get("/")
    office.change(pin=SecretStr(f"{CANARY} of bob"), box={"key": CANARY})
    ann.submit("#settings", {"v.pin": f"{CANARY} of ann"})
    assert "Somebody else changed these as well" in ann.text
    ann.submit("#review")
    everywhere(ann)


def everywhere(browser: Browser) -> None:
    """Look at every page, and ask for everything there is to ask."""
    for path in (
        *("/", "/?q=hunter", "/history", "/history?field=pin", "/compare?older=0", "/workers"),
        *("/changes/1", "/rollback/0", "/api/settings", "/api/history", "/api/schema"),
        *("/api/openapi.json", "/api/workers?revision=1", "/healthz", "/assets/settings.js"),
    ):
        assert browser.get(path, buffered=True).status_code in {200, 503}, path


PATCHES: tuple[Any, ...] = (
    {"pin": CANARY},
    {"box": {"key": CANARY, "named": {"two": CANARY}}},
    {"several": [CANARY]},
    {"made": CANARY, "low": 3},
    {"picky": CANARY},
    {"pin": [CANARY]},
    {"pin": {CANARY: CANARY}},
    {"box": CANARY},
    {"box": {"size": CANARY}, "pin": 5},
    {"boxes": [{"key": CANARY, "size": "x"}]},
    {"several": {"0": CANARY}},
    {"perhaps": CANARY, "low": 11},
)


@pytest.mark.parametrize("patch", PATCHES, ids=str)
def test_the_api(office: Office, patch: Any) -> None:  # noqa: ANN401 - whatever is JSON
    """Taken or refused, with a revision that is right, old or none."""
    office.change(low=1)
    client, headers = office.app.test_client(), {"X-Actor": "ann"}
    for tag in ('"0"', '"1"', None):
        more = {"If-Match": tag} if tag else {}
        answer = client.patch("/settings/api/settings", json=patch, headers={**headers, **more})
        assert answer.status_code in {200, 412, 422}, answer.text
        office.change(pin=CANARY, box={"key": CANARY})
    client.post("/settings/api/rollback", json={"revision": 1}, headers=headers)
    everywhere(office.browser())


def test_what_is_no_json(office: Office) -> None:
    """A body that cannot be read is not repeated."""
    client = office.app.test_client()
    for body in (f'{{"pin": "{CANARY}"', CANARY, f'{{"pin": "{CANARY}", "pin": 1}}'):
        answer = client.patch(
            "/settings/api/settings",
            data=body,
            content_type="application/json",
            headers={"X-Actor": "ann"},
        )
        assert 400 <= answer.status_code < 500


def test_a_token_at_the_login(office: Office) -> None:
    """A wrong one is not repeated, in the form or elsewhere; it may be right somewhere else."""
    nobody = office.browser(None)
    nobody.get("/login")
    nobody.post("/login", {"token": CANARY, "name": "Zoe"})
    assert nobody.response.status_code == 401
    answer = office.app.test_client().get(
        "/settings/api/settings", headers={"Authorization": f"Bearer {CANARY}"}
    )
    assert answer.status_code == 401


def test_the_watch_sees_it(offices: Callable[..., Office]) -> None:
    """An application that tells a secret fails, wherever it does, and however it is spelled."""
    office = offices(Vault)
    views: Mapping[str, Callable[[], Any]] = {
        "body": lambda: f"it is {CANARY}.",
        "base64": lambda: __import__("base64").b64encode(f"ab{CANARY}".encode()),
        "hexadecimal": lambda: CANARY.encode().hex(),
        "header": lambda: ("", {"X-Told": CANARY}),
    }
    for name, view in views.items():
        office.app.add_url_rule(f"/{name}", name, view)
    for name in views:
        with pytest.raises(AssertionError, match="a secret is in"):
            office.app.test_client().get(f"/{name}")
