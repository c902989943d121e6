"""The settings by the API: read, and changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.models import CANARY
from tests.support.teller import MERGE, Teller
from typed_waffle import desk
from typed_waffle.paths import merged

RIGHTS = {
    "may_read": lambda actor, name: actor == "ann" or name != "low",
    "may_write": lambda actor, name: actor == "ann" or name == "tags",
}


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    teller = Teller(tmp_path, rights=RIGHTS)
    yield teller
    teller.close()


# --- reading ----------------------------------------------------------------------------------


def test_values_are_plain_data_in_the_order_of_the_model(teller: Teller) -> None:
    """Every setting is there with the value in force; asterisks stand for secrets."""
    answer = teller.ask("GET", "/api/settings")
    assert answer.json == {
        "site_name": "Waffle",
        "maintenance": False,
        "max_filesize": 1000,
        "tone": "formal",
        "theme": "light",
        "timeout": "PT30S",
        "tags": ["new"],
        "menu": {"waffle": 5},
        "discount": None,
        "smtp": {"host": "localhost", "port": 25, "password": "**********"},
        "api_key": "**********",
        "low": 0,
        "high": 10,
    }
    assert list(answer.json)[:3] == ["site_name", "maintenance", "max_filesize"]
    assert answer.content_type == "application/json"
    assert answer.headers["ETag"] == '"0"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_another_revision_has_another_tag(teller: Teller) -> None:
    """After a change the tag is the new revision."""
    teller.patched({"low": 1})
    assert teller.ask("GET", "/api/settings").headers["ETag"] == '"1"'


@pytest.mark.parametrize("tag", ['"0"', 'W/"0"', "*", '"7", W/"0"', "0"])
def test_what_the_client_has_is_not_sent_again(teller: Teller, tag: str) -> None:
    """A matching `If-None-Match` is answered 304, with the tag and without a body."""
    answer = teller.ask("GET", "/api/settings", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == '"0"'


def test_what_the_client_has_is_old(teller: Teller) -> None:
    """Another tag gets the values."""
    answer = teller.ask("GET", "/api/settings", headers={"If-None-Match": '"7", "x"'})
    assert answer.status_code == 200


@pytest.mark.parametrize("tag", ["", "x", '"1" "2"', '"1', "W/1", '*, "1"', '"é"'])
def test_a_tag_that_is_none_is_refused(teller: Teller, tag: str) -> None:
    """A condition that is not of the right form is answered 400, not ignored."""
    for method, header in itertools.product(("GET", "PATCH"), ("If-Match", "If-None-Match")):
        answer = teller.ask(method, "/api/settings", headers={header: tag}, json={"low": 1})
        assert answer.status_code == 400
        assert header in answer.json["detail"]


def test_head_has_the_headers_only(teller: Teller) -> None:
    """`HEAD` answers as `GET` does, without the body."""
    answer = teller.ask("HEAD", "/api/settings")
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (200, b"", '"0"')


def test_what_may_not_be_seen_is_not_there(teller: Teller) -> None:
    """Who may not read a setting finds it in no answer."""
    assert "low" not in teller.get("/api/settings", actor="bob")
    assert "low" in teller.get("/api/settings")


# --- changing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [MERGE, "application/json; charset=utf-8"])
def test_a_change_is_answered_with_what_it_makes(teller: Teller, content_type: str) -> None:
    """The answer to a patch is the settings after it, under their new tag."""
    answer = teller.ask(
        "PATCH", "/api/settings", data='{"low": 3}', headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json["low"]) == (200, 3)
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_change_says_who_and_why(teller: Teller) -> None:
    """The history has the actor, the note in the query, and the channel."""
    teller.patch({"low": 3}, "?note=summer%20time", actor="ann")
    (change,) = teller.get("/api/history")["changes"]
    assert [change[key] for key in ("actor", "note", "channel")] == ["ann", "summer time", "api"]


def test_what_changes_nothing_makes_no_revision(teller: Teller) -> None:
    """A patch that asks for what is in force is answered with the tag that was."""
    for patch in ({}, {"low": 0}, {"low": None}, {"smtp": {"port": 25}}, {"menu": {"tea": None}}):
        answer = teller.patch(patch)
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"0"')


def test_a_rule_across_settings_names_no_setting(teller: Teller) -> None:
    """What the model refuses is 422, and points to the whole document."""
    problem = teller.refused({"low": 12})
    assert problem["type"] == "urn:typed-waffle:InvalidChange"
    assert problem["errors"] == [
        {"pointer": "", "type": "value_error", "detail": "low 12 is above high 10"}
    ]


def test_all_settings_of_a_patch_are_one_change(teller: Teller) -> None:
    """If one value is refused, none is written."""
    problem = teller.refused({"site_name": "x", "smtp": {"port": 0}, "tags": ["a"] * 4})
    assert [error["pointer"] for error in problem["errors"]] == ["/tags", "/smtp/port"]


def test_what_the_environment_pins_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A locked setting is answered 409, with its name."""
    monkeypatch.setenv("KIOSK_LOW", "2")
    teller = Teller(tmp_path, WAFFLE_ENV_PREFIX="KIOSK_")
    problem = teller.refused({"low": 3}, 409)
    assert problem["type"] == "urn:typed-waffle:SettingLocked"
    assert problem["setting"] == "low"
    teller.close()


# --- conditions -------------------------------------------------------------------------------


def test_a_change_on_top_of_another_is_refused(teller: Teller) -> None:
    """An old `If-Match` is answered 412, with what others changed, and the tag that is."""
    teller.patched({"low": 1})
    teller.patched({"high": 20})
    answer = teller.patch({"low": 2}, headers={"If-Match": '"1"'})
    assert answer.status_code == 412
    assert answer.headers["ETag"] == '"2"'
    assert answer.json["type"] == "urn:typed-waffle:RevisionConflict"
    assert (answer.json["expected"], answer.json["actual"]) == (1, 2)
    (change,) = answer.json["changes"]
    assert change["fields"] == [{"field": "high", "before": 10, "after": 20}]
    assert teller.revision() == 2


def test_a_conflict_tells_nothing_that_may_not_be_seen(teller: Teller) -> None:
    """The differences in a 412 are those that the visitor may read."""
    teller.patched({"low": 1, "high": 20})
    answer = teller.patch({"tags": []}, actor="bob", headers={"If-Match": '"0"'})
    assert answer.status_code == 412
    assert "low" not in answer.text.replace("lower", "")
    assert [field["field"] for field in answer.json["changes"][0]["fields"]] == ["high"]


@pytest.mark.parametrize("tag", ['"1"', "*", '"0", "1"', "1", 'W/"1", "1"'])
def test_a_change_on_top_of_what_was_seen_is_made(teller: Teller, tag: str) -> None:
    """Any of several tags may match, and an asterisk always does."""
    teller.patched({"low": 1})
    assert teller.patch({"low": 2}, headers={"If-Match": tag}).status_code == 200


@pytest.mark.parametrize("tag", ['W/"1"', '"x"', '"01"', '"0", "7"', '"99999999999999999999"'])
def test_a_tag_that_cannot_match_stops_the_change(teller: Teller, tag: str) -> None:
    """A weak tag, one that is no revision, and one of another revision are all answered 412."""
    teller.patched({"low": 1})
    assert teller.patch({"low": 2}, headers={"If-Match": tag}).status_code == 412
    assert teller.revision() == 1


def test_a_condition_holds_even_if_nothing_differs(teller: Teller) -> None:
    """A patch that would change nothing is still answered 412 if it is based on the past."""
    teller.patched({"low": 1})
    assert teller.patch({}, headers={"If-Match": '"0"'}).status_code == 412


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "*", '"7", "1"', "1"])
def test_a_change_of_what_was_not_to_be_there_is_refused(teller: Teller, tag: str) -> None:
    """If the revision is one that `If-None-Match` names, a change is answered 412."""
    teller.patched({"low": 1})
    for method, path, body in (
        ("PATCH", "/api/settings", {"low": 2}),
        ("POST", "/api/rollback", {"revision": 0}),
    ):
        answer = teller.ask(method, path, json=body, headers={"If-None-Match": tag})
        assert answer.status_code == 412
        assert "If-None-Match" in answer.json["detail"]
    assert teller.revision() == 1
    assert teller.patch({"low": 2}, headers={"If-None-Match": '"0"'}).status_code == 200


@pytest.mark.parametrize(
    ("tag", "status"), [('"1"', 200), ("*", 200), ('"0"', 412), ('W/"1"', 412), ('"x"', 412)]
)
def test_another_revision_is_not_shown(teller: Teller, tag: str, status: int) -> None:
    """Who asks for a revision with `If-Match` gets that one or 412, whatever else they have."""
    teller.patched({"low": 1})
    for method in ("GET", "HEAD"):
        asked = teller.ask(method, "/api/settings", headers={"If-Match": tag})
        assert asked.status_code == status
    both = teller.ask("GET", "/api/settings", headers={"If-Match": tag, "If-None-Match": '"1"'})
    assert both.status_code == (304 if status == 200 else 412)


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}])
def test_a_race_that_is_lost_fails_no_condition(
    teller: Teller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    """Who named no revision, and came too late again and again, is answered 409."""
    other = Teller(tmp_path)
    numbers = iter(range(1, 100))

    def slow(*given: Any) -> object:  # noqa: ANN401 - passed on
        with other.app.app_context():
            other.waffle.update(low=-next(numbers))
        return merged(*given)

    monkeypatch.setattr(desk, "merged", slow)
    answer = teller.patch({"smtp": {"host": "mail"}}, headers=headers)
    assert answer.status_code == answer.json["status"] == 409
    assert answer.json["type"] == "urn:typed-waffle:RevisionConflict"
    assert "If-Match" not in answer.json["detail"]
    named = teller.patch({"smtp": {"host": "mail"}}, headers={"If-Match": answer.headers["ETag"]})
    assert named.status_code == 412
    other.close()


# --- rights -----------------------------------------------------------------------------------


def test_who_may_not_write_changes_nothing(teller: Teller) -> None:
    """One setting that they may not change stops all of the patch, and is named."""
    answer = teller.patch({"tags": [], "high": 11, "menu": {}}, actor="bob")
    assert answer.status_code == 403
    assert answer.json["type"] == "urn:typed-waffle:Barred"
    assert answer.json["settings"] == ["high", "menu"]
    assert teller.revision() == 0
    assert teller.patch({"tags": []}, actor="bob").status_code == 200


def test_rights_come_before_the_parts_of_a_setting(tmp_path: Path) -> None:
    """Nobody learns which parts a setting has that they may not see."""
    hidden = {"may_read": lambda _, name: name != "smtp"}
    teller = Teller(tmp_path, rights=hidden)
    answer = teller.patch({"smtp": {"hots": 1}})
    assert answer.status_code == 422
    assert "host" not in answer.text
    teller.close()


def test_an_unknown_name_tells_no_hidden_one(teller: Teller) -> None:
    """The setting that may have been meant is named only to those who may see it."""
    told = teller.patch({"lwo": 1})
    assert (told.status_code, told.json["nearest"], told.json["setting"]) == (422, "low", "lwo")
    untold = teller.patch({"lwo": 1}, actor="bob")
    assert (untold.status_code, untold.json["nearest"]) == (422, None)
    assert "low" not in untold.text


def test_no_secret_is_in_any_answer(teller: Teller) -> None:
    """A secret that is set is in no answer, whatever happens to it."""
    answers = [
        teller.patch({"api_key": CANARY, "smtp": {"password": CANARY}}),
        teller.patch({"smtp": {"password": [CANARY]}}),
        teller.patch({"smtp": {"password": CANARY, "port": 0}}),
        teller.patch({"api_key": CANARY, "low": 12}),
        teller.patch({"api_key": {CANARY: CANARY}}),
        teller.patch({"low": 1}, headers={"If-Match": '"0"'}),
        *(teller.ask("GET", f"/api/{path}") for path in ("settings", "history", "schema")),
        teller.ask("GET", "/api/openapi.json"),
        teller.ask("POST", "/api/rollback", json={"revision": 0}),
    ]
    assert [answer.status_code for answer in answers] == [200, *[422] * 4, 412, *[200] * 5]
    assert not [answer.text for answer in answers if CANARY in answer.text]
