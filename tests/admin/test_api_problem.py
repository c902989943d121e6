"""What goes wrong in the API is told as RFC 9457 has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from flask import Flask
from pydantic import field_validator

from tests.support.gallery import Parts
from tests.support.teller import Teller
from typed_waffle import Waffle, WaffleModel, settings_changed
from typed_waffle.admin.api.pointer import pointer, pointer_in

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")

ALLOWED = {
    "/api/settings": {"GET", "HEAD", "PATCH", "OPTIONS"},
    "/api/history": {"GET", "HEAD", "OPTIONS"},
    "/api/rollback": {"POST", "OPTIONS"},
    "/api/workers": {"GET", "HEAD", "OPTIONS"},
    "/api/schema": {"GET", "HEAD", "OPTIONS"},
    "/api/openapi.json": {"GET", "HEAD", "OPTIONS"},
    "/healthz": {"GET", "HEAD", "OPTIONS"},
}

NOWHERE = ("/api", "/api/", "/api/x", "/api/settings/", "/api/settings/low", "/api/../x")


class Strict(WaffleModel):
    """A setting whose rule fails."""

    divisor: int = 1

    @field_validator("divisor")
    @classmethod
    def _divides(cls, value: int) -> int:
        return value if 1 // value or value else 0


class Wordy(WaffleModel):
    """Settings whose faults may be long."""

    depths: Mapping[str, Sequence[Sequence[int]]] = {}
    text: str = ""

    @field_validator("text")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > 10:
            raise ValueError(f"{value} is long")
        return value


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    teller = Teller(tmp_path)
    yield teller
    teller.close()


@pytest.mark.parametrize("path", [*ALLOWED, *NOWHERE])
def test_nobody_learns_anything_without_coming_in(teller: Teller, path: str) -> None:
    """Every method at every place is refused alike, be there something or not."""
    for method in METHODS:
        answer = teller.ask(method, path, actor=None)
        assert answer.status_code == 403, method
        assert "Allow" not in answer.headers
        assert answer.content_type == "application/problem+json"


def test_who_has_no_token_is_told_how_to_bring_it(tmp_path: Path) -> None:
    """Where a token is set, 401 comes with the challenge, on every method."""
    teller = Teller(tmp_path, WAFFLE_ADMIN_TOKEN="a token of twenty or more")
    for method in METHODS:
        answer = teller.ask(method, "/api/settings", actor=None)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
            401,
            "Bearer realm=settings",
        )
    wrong = {"Authorization": "Bearer wrong"}
    answers = [teller.ask("GET", "/api/settings", actor=None, headers=wrong) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [*[401] * 10, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json["status"] == 429
    teller.close()


@pytest.mark.parametrize("path", ALLOWED)
def test_methods_that_are_not_there(teller: Teller, path: str) -> None:
    """405 says in `Allow` which are, and so does `OPTIONS`."""
    told = teller.ask("OPTIONS", path)
    assert (told.status_code, told.data) == (204, b"")
    assert set(told.headers["Allow"].split(", ")) == ALLOWED[path]
    for method in set(METHODS) - ALLOWED[path]:
        answer = teller.ask(method, path)
        assert answer.status_code == 405, method
        assert set(answer.headers["Allow"].split(", ")) == ALLOWED[path]
        assert method == "HEAD" or answer.json["title"] == "Method Not Allowed"


@pytest.mark.parametrize("path", NOWHERE)
def test_there_is_nothing_else(teller: Teller, path: str) -> None:
    """Every other place below the API is a problem document with 404, by any method."""
    for method in ("GET", "PATCH", "DELETE"):
        answer = teller.ask(method, path)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
        assert answer.json["type"] == "about:blank"


def test_a_store_that_fails(teller: Teller) -> None:
    """503 says when to try again, and whether a change may have been made all the same."""
    teller.get("/api/settings")
    teller.database.write_bytes(b"this is no database" * 1000)
    for answer in (teller.ask("GET", "/api/settings"), teller.patch({"low": 1})):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json["type"] == "urn:typed-waffle:StoreUnavailable"
        assert answer.json["in_doubt"] is False


def test_failing_code_of_the_application_is_not_hidden(tmp_path: Path) -> None:
    """An error of a rule of the developer's is logged by Flask, and is a 500 without details."""
    teller = Teller(tmp_path, Strict)
    answer = teller.patch({"divisor": 0})
    assert (answer.status_code, answer.json["title"]) == (500, "Internal Server Error")
    assert "ZeroDivision" not in answer.text
    teller.close()


def test_settings_of_no_application(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake of the developer's is a 500, and the log says what to do."""
    app = Flask("shop", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="a teller's")
    app.register_blueprint(Waffle(Strict).admin(authorize=lambda: "ann"))
    answer = app.test_client().get("/settings/api/settings")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "its log says what is wrong" in answer.text
    assert "init_app" in caplog.text
    assert "'/settings/api/settings' failed" in caplog.text


def test_what_pins_a_hidden_setting_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A variable that does not fit is quoted to the log, and to nobody who asks."""
    monkeypatch.setenv("KIOSK_LOW", "sesame")
    rights = {"may_read": lambda _, field: field != "low"}
    teller = Teller(tmp_path, rights=rights, WAFFLE_ENV_PREFIX="KIOSK_")
    for path in ("/api/settings", "/api/history", "/api/workers"):
        answer = teller.ask("GET", path)
        assert answer.status_code == 500
        assert "sesame" not in answer.text
        assert "LOW" not in answer.text.upper().replace("TYPED_WAFFLE", "")
    assert "sesame" in caplog.text
    teller.close()


def test_a_change_that_is_written_is_not_told_as_a_failure(teller: Teller) -> None:
    """If the settings cannot be read after it, whether it was made is in doubt."""

    def lose(_: object, **__: object) -> None:
        teller.database.write_bytes(b"this is no database" * 1000)

    with settings_changed.connected_to(lose):
        answer = teller.patch({"low": 3})
    assert answer.status_code == 503
    assert answer.json["in_doubt"] is True
    assert "after revision 1 was written" in answer.json["detail"]


def test_every_answer_is_protected(teller: Teller) -> None:
    """Problems have the headers of all answers, and are kept nowhere."""
    for answer in (teller.ask("GET", "/api/x"), teller.ask("GET", "/api/settings", actor=None)):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_another_site_cannot_change_anything(teller: Teller) -> None:
    """A browser's request from elsewhere is refused, and so is a token that is no token."""
    elsewhere = teller.patch({"low": 1}, headers={"Origin": "https://elsewhere.example"})
    forged = teller.patch({"low": 1}, headers={"X-CSRFToken": "forged"})
    assert (elsewhere.status_code, forged.status_code) == (403, 400)
    assert teller.revision() == 0


def test_faults_are_told_up_to_a_hundred(tmp_path: Path) -> None:
    """A value of thousands of faults is answered with the first ones, and how many more are."""
    teller = Teller(tmp_path, Parts)
    answer = teller.patch({"tags": [1] * 20_000})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [
        f"/tags/{n}" for n in range(100)
    ]
    assert answer.json["more_errors"] == 19_900
    assert len(answer.data) < 20_000
    few = teller.refused({"tags": [1] * 100})
    assert len(few["errors"]) == 100
    assert "more_errors" not in few
    teller.close()


def test_what_a_fault_says_is_bounded(tmp_path: Path) -> None:
    """Neither a long key nor a rule that quotes the value makes an answer that is longer."""
    teller = Teller(tmp_path, Wordy)
    answers = [
        teller.patch({"depths": {"k" * 200_000: [["x"]] * 1_000}}),
        teller.patch({"text": "x" * 200_000}),
        teller.ask("POST", "/api/rollback", json={"k" * 200_000: 1}),
        teller.ask("POST", "/api/rollback", json={f"k{n}": 1 for n in range(20_000)}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert max(len(answer.data) for answer in answers) < 150_000
    assert all(len(answer.json["detail"]) < 5_000 for answer in answers)
    assert answers[-1].json["more_errors"] == 20_001 - 100
    teller.close()


def test_pointers_are_those_of_rfc_6901() -> None:
    """Tildes and slashes are escaped; nothing is the whole document."""
    assert pointer(("a/b", "~", 0, "")) == "/a~1b/~0/0/"
    assert pointer(()) == ""


def test_pointers_lead_through_the_document() -> None:
    """What Pydantic adds for the members of a union, or for a key, is not in it."""
    assert pointer_in(Parts, ("relay", "Smtp", "port")) == "/relay/port"
    assert pointer_in(Parts, ("codes", "x", "[key]")) == "/codes/x"
    assert pointer_in(Parts, ("doors", 0, "seats")) == "/doors/0/seats"
    assert pointer_in(Parts, ("rooms", "a", "within", "b", "seats", "int")) == (
        "/rooms/a/within/b/seats"
    )
    assert pointer_in(Parts, ("gone", "x")) == "/gone/x"
    assert pointer_in(Parts, ()) == ""
