"""What every request to the admin page has to pass."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, abort, redirect
from flask import session as flask_session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from pydantic import SecretStr
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from tests.support.apps import Apps
from typed_waffle.admin.guard import LARGEST, visitor
from typed_waffle.admin.house import House
from typed_waffle.admin.throttle import Throttle
from typed_waffle.admin.token import Token
from typed_waffle.admin.visitor import Rights

TOKEN = "a token of twenty or more"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Authorize = Callable[[], str | None]
Open = Callable[..., FlaskClient]


def refused(error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = [pair for pair in error.get_headers() if pair[0] != "Content-Type"]
    return Response(error.description, error.code, headers)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A blueprint with nothing in it but a form and a place of the API."""
    apps = Apps(tmp_path)

    def client(authorize: Any = None, **keys: Any) -> FlaskClient:  # noqa: ANN401 - also bad ones
        app = apps.app(SECRET_KEY="a test's", **keys)
        house = House(apps.bound(app), "/settings", authorize, Rights())
        for of_api in (False, True):
            house.answer_errors(refused, of_api=of_api)
        for name in ("form", "api_probe"):
            house.blueprint.add_url_rule(
                f"/{name}",
                name,
                lambda: f"{visitor().actor} {generate_csrf()}",
                methods=["GET", "POST"],
            )
        app.register_blueprint(house.blueprint)
        return app.test_client()

    yield client
    apps.close()


def ada() -> str:
    return "ada"


def logged_in(client: FlaskClient, name: str = "ada") -> dict[str, Any]:
    """What the login form leaves in the session."""
    token = Token("default", Throttle())
    with client.application.test_request_context():
        assert token.log_in(TOKEN, name)
        return dict(flask_session)


def sent(client: FlaskClient, path: str = "form", **more: Any) -> TestResponse:  # noqa: ANN401 - of open
    """A form sent as the page has a browser send it, unless something else is said."""
    csrf = client.get("/settings/form").text.rpartition(" ")[2]
    data = {"csrf_token": more.pop("csrf", csrf)}
    return client.post(f"/settings/{path}", data=data, **more)


def test_whom_authorize_names_comes_in(opened: Open) -> None:
    """The name is the actor."""
    assert opened(ada).get("/settings/form").text.startswith("ada ")


def test_nobody_else_comes_in(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """Whom it does not name is refused, and the attempt is logged."""
    with caplog.at_level(logging.WARNING):
        answer = opened(lambda: None).get("/settings/form?x=1")
    assert answer.status_code == 403
    assert "refused GET '/settings/form?x=1' of None from 127.0.0.1" in caplog.text


@pytest.mark.parametrize("given", [True, 1, "", "  ", ["ada"], b"ada"])
def test_what_is_no_name_lets_nobody_in(
    opened: Open, given: object, caplog: pytest.LogCaptureFixture
) -> None:
    """A function that gives `True`, say, is a mistake, and the log says what to give."""
    assert opened(lambda: given).get("/settings/form").status_code == 403
    assert "Let it give the name of who asks, or None" in caplog.text


def test_an_error_of_authorize_lets_nobody_in(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its traceback, and not shown."""

    def broken() -> str:
        raise LookupError("the user table")

    answer = opened(broken).get("/settings/form")
    assert answer.status_code == 403
    assert "user table" not in answer.text
    assert "LookupError: the user table" in caplog.text


def test_authorize_may_send_to_a_login_page(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """It aborts with an answer of its own, which is sent as it is; the attempt is logged."""

    def elsewhere() -> str:
        abort(redirect("/login"))

    with caplog.at_level(logging.WARNING):
        answer = opened(elsewhere).get("/settings/form")
    assert (answer.status_code, answer.location) == (302, "/login")
    assert "refused GET '/settings/form' of None" in caplog.text
    assert opened(lambda: abort(401)).get("/settings/form").status_code == 401


def test_the_token_lets_in(opened: Open) -> None:
    """As a bearer token; a wrong one, or none, gets a challenge."""
    client = opened(WAFFLE_ADMIN_TOKEN=TOKEN)
    assert client.get("/settings/form", headers=BEARER).text.startswith("token ")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
        answer = client.get("/settings/form", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(
    "token", ["key=abcdefghijklmnop", "a,b=cdefghijklmnop==", "Zürich-passphrase"]
)
def test_a_token_may_have_any_characters(opened: Open, token: str) -> None:
    """It is compared as it is, not taken apart."""
    client = opened(WAFFLE_ADMIN_TOKEN=token * 2)
    headers = {"Authorization": f"bearer {token * 2}".encode().decode("latin-1")}
    assert client.get("/settings/form", headers=headers).text.startswith("token ")


@pytest.mark.parametrize("given", ["é" * 20, "\x7f", "a" * 100_000])
def test_an_odd_token_is_a_wrong_one(opened: Open, given: str) -> None:
    """Whatever its characters and its length."""
    client = opened(WAFFLE_ADMIN_TOKEN=TOKEN)
    headers = {"Authorization": f"Bearer {given}".encode().decode("latin-1")}
    assert client.get("/settings/form", headers=headers).status_code == 401


def test_authorize_comes_before_the_token(opened: Open) -> None:
    """Whom it does not name may still have the token."""
    client = opened(lambda: None, WAFFLE_ADMIN_TOKEN=TOKEN)
    assert client.get("/settings/form", headers=BEARER).text.startswith("token ")
    assert opened(ada, WAFFLE_ADMIN_TOKEN=TOKEN).get("/settings/form").text.startswith("ada ")


def test_the_token_helps_whom_authorize_sends_away(opened: Open) -> None:
    """A script is not sent to the login page that people are sent to."""

    def elsewhere() -> str:
        abort(redirect("/login"))

    client = opened(elsewhere, WAFFLE_ADMIN_TOKEN=TOKEN)
    assert client.get("/settings/form", headers=BEARER).text.startswith("token ")
    assert client.get("/settings/form").location == "/login"


def test_a_login_is_not_undone_by_another_bearer(opened: Open) -> None:
    """A proxy may add a token of its own, which is no wrong guess of who has logged in."""
    client = opened(WAFFLE_ADMIN_TOKEN=TOKEN)
    with client.session_transaction() as session:
        session.update(logged_in(client))
    proxied = {"Authorization": "Bearer of.a.proxy"}
    for _ in range(12):
        assert client.get("/settings/form", headers=proxied).text.startswith("token: ada ")


@pytest.mark.parametrize("name", ["a\x00da", "ada\u202e", "\x1b[31mada"])
def test_a_typed_name_is_what_is_seen_of_it(opened: Open, name: str) -> None:
    """No database refuses it, and it turns no text around."""
    client = opened(WAFFLE_ADMIN_TOKEN=TOKEN)
    with client.session_transaction() as session:
        session.update(logged_in(client, name))
    actor = client.get("/settings/form").text.rpartition(" ")[0]
    assert actor.isprintable()
    assert "ada" in actor


@pytest.mark.parametrize("given", [SecretStr(TOKEN), TOKEN.encode()])
def test_the_token_may_come_in_other_clothes(opened: Open, given: object) -> None:
    """As pydantic-settings has it, say; what stands for it when it is shown is not it."""
    client = opened(WAFFLE_ADMIN_TOKEN=given)
    assert client.get("/settings/form", headers=BEARER).status_code == 200
    shown = {"Authorization": f"Bearer {given}"}
    assert client.get("/settings/form", headers=shown).status_code == 401


def test_the_token_is_the_one_that_was_checked(opened: Open) -> None:
    """One that is put into the configuration later, and may be short, is none."""
    client = opened(WAFFLE_ADMIN_TOKEN=TOKEN)
    client.application.config["WAFFLE_ADMIN_TOKEN"] = "x"
    short = {"Authorization": "Bearer x"}
    assert client.get("/settings/form", headers=short).status_code == 401
    assert client.get("/settings/form", headers=BEARER).status_code == 200


def test_guesses_are_limited(opened: Open) -> None:
    """After ten wrong tokens an address waits, also with the right one, and is told how long."""
    client = opened(WAFFLE_ADMIN_TOKEN=TOKEN)
    for _ in range(10):
        client.get("/settings/form", headers={"Authorization": "Bearer wrong"})
    answer = client.get("/settings/form", headers=BEARER)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60


# --- forgery ----------------------------------------------------------------------------------


def test_a_form_of_the_page_passes(opened: Open) -> None:
    """From the same site, as browsers say it."""
    assert sent(opened(ada)).status_code == 200
    assert sent(opened(ada), headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert sent(opened(ada), headers={"Origin": "http://localhost"}).status_code == 200


@pytest.mark.parametrize("csrf", ["", "forged", "IjEi.Z.x"])
def test_a_form_without_the_right_token_does_not(opened: Open, csrf: str) -> None:
    """It says that nothing was written, and what to do."""
    answer = sent(opened(ada), csrf=csrf)
    assert answer.status_code == 400
    assert "Nothing was written: look at it again" in answer.text


def test_a_form_of_another_session_does_not(opened: Open) -> None:
    """A token belongs to who got it."""
    client, other = opened(ada), opened(ada)
    stolen = other.get("/settings/form").text.rpartition(" ")[2]
    assert sent(client, csrf=stolen).status_code == 400


@pytest.mark.parametrize("path", ["form", "api_probe"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "null"},
        {"Origin": "http://[x"},
    ],
)
def test_another_site_cannot_send(opened: Open, path: str, headers: dict[str, str]) -> None:
    """Not with the right token either."""
    answer = sent(opened(ada), path, headers=headers)
    assert (answer.status_code, answer.text) == (403, "The request comes from another site.")


def test_the_api_needs_no_token_against_forgery(opened: Open) -> None:
    """But one that is sent must be right."""
    client = opened(ada)
    assert client.post("/settings/api_probe").status_code == 200
    forged = {"X-CSRFToken": "forged"}
    assert client.post("/settings/api_probe", headers=forged).status_code == 400


# --- bodies -----------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_not_read(opened: Open) -> None:
    """It is refused by the length that is said."""
    answer = opened(ada).post(
        "/settings/api_probe", environ_overrides={"CONTENT_LENGTH": str(LARGEST + 1)}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Transfer-Encoding": "chunked"}, 411), ({"Content-Encoding": "gzip"}, 415)],
)
def test_a_body_of_unknown_length_is_not_read(
    opened: Open, headers: dict[str, str], status: int
) -> None:
    """Nor one that grows when it is unpacked."""
    answer = opened(ada).post("/settings/api_probe", headers=headers)
    assert answer.status_code == status


# --- answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["form", "api_probe", "assets/none.css"])
@pytest.mark.parametrize("authorize", [ada, lambda: None])
def test_every_answer_has_the_headers(opened: Open, path: str, authorize: Authorize) -> None:
    """Refusals have them as well."""
    headers = opened(authorize).get(f"/settings/{path}").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_no_cache_keeps_what_was_shown(opened: Open) -> None:
    """It depends on who asks."""
    headers = opened(ada).get("/settings/form").headers
    assert headers["Cache-Control"] == "no-store"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in headers["Vary"].split(",")}


def test_the_log_cannot_be_forged(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """What a stranger sends is one line of it, escaped."""
    opened(lambda: None).get("/settings/form?%0d%0arefused%1b[31m")
    (record,) = [r for r in caplog.records if r.name == "typed_waffle.admin"]
    assert not {"\n", "\r", "\x1b"} & set(record.getMessage())


def test_the_static_files_are_for_everybody(opened: Open) -> None:
    """A login page needs them, and they tell nothing."""
    client = opened(lambda: None)
    assert client.get("/settings/assets/none.css").status_code == 404


def test_two_apps_have_their_own_tokens(opened: Open) -> None:
    """One process may serve both."""
    one, two = opened(WAFFLE_ADMIN_TOKEN=TOKEN), opened(WAFFLE_ADMIN_TOKEN=TOKEN[::-1])
    assert one.get("/settings/form", headers=BEARER).status_code == 200
    assert two.get("/settings/form", headers=BEARER).status_code == 401


def test_an_app_is_needed_for_nothing_else(opened: Open) -> None:
    """The guard watches its own blueprint only."""
    app: Flask = opened(lambda: None).application
    app.add_url_rule("/open", "open", lambda: "open")
    answer = app.test_client().get("/open")
    assert (answer.status_code, "Content-Security-Policy" in answer.headers) == (200, False)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 413, 500])
def test_the_handlers_of_the_app_do_not_answer(opened: Open, code: int) -> None:
    """Nor do they keep a refusal out of the log, or what was typed off the page."""
    client = opened(ada)
    client.application.register_error_handler(code, lambda _: ("the app's", code))
    view = client.application.view_functions
    view["waffle_admin.form"] = lambda: abort(code)
    assert client.get("/settings/form").text != "the app's"
