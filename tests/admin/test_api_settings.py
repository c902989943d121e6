"""The settings by the API: read, and changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clerk import MERGE, Clerk
from tests.support.models import CANARY

RIGHTS = {
    "may_read": lambda actor, name: actor == "ann" or name != "low",
    "may_write": lambda actor, name: actor == "ann" or name == "tags",
}


@pytest.fixture
def clerk(tmp_path: Path) -> Iterator[Clerk]:
    clerk = Clerk(tmp_path, rights=RIGHTS)
    yield clerk
    clerk.close()


# --- reading ----------------------------------------------------------------------------------


def test_values_are_plain_data_in_the_order_of_the_model(clerk: Clerk) -> None:
    """Every setting is there with the value in force; asterisks stand for secrets."""
    answer = clerk.ask("GET", "/api/settings")
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
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_another_revision_has_another_tag(clerk: Clerk) -> None:
    """After a change the tag is the new revision."""
    clerk.patched({"low": 1})
    assert clerk.ask("GET", "/api/settings").headers["ETag"] == '"1"'


@pytest.mark.parametrize("tag", ['"0"', 'W/"0"', "*", '"7", W/"0"', "0"])
def test_what_the_client_has_is_not_sent_again(clerk: Clerk, tag: str) -> None:
    """A matching `If-None-Match` is answered 304, with the tag and without a body."""
    answer = clerk.ask("GET", "/api/settings", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == '"0"'


def test_what_the_client_has_is_old(clerk: Clerk) -> None:
    """Another tag gets the values."""
    answer = clerk.ask("GET", "/api/settings", headers={"If-None-Match": '"7", "x"'})
    assert answer.status_code == 200


@pytest.mark.parametrize("tag", ["", "x", '"1" "2"', '"1', "W/1", '*, "1"', '"é"'])
def test_a_tag_that_is_none_is_refused(clerk: Clerk, tag: str) -> None:
    """A condition that is not of the right form is answered 400, not ignored."""
    for method, header in (("GET", "If-None-Match"), ("PATCH", "If-Match")):
        answer = clerk.ask(method, "/api/settings", headers={header: tag}, json={"low": 1})
        assert answer.status_code == 400
        assert header in answer.json["detail"]


def test_head_has_the_headers_only(clerk: Clerk) -> None:
    """`HEAD` answers as `GET` does, without the body."""
    answer = clerk.ask("HEAD", "/api/settings")
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (200, b"", '"0"')


def test_what_may_not_be_seen_is_not_there(clerk: Clerk) -> None:
    """Who may not read a setting finds it in no answer."""
    assert "low" not in clerk.get("/api/settings", actor="bob")
    assert "low" in clerk.get("/api/settings")


# --- changing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [MERGE, "application/json; charset=utf-8"])
def test_a_change_is_answered_with_what_it_makes(clerk: Clerk, content_type: str) -> None:
    """The answer to a patch is the settings after it, under their new tag."""
    answer = clerk.ask(
        "PATCH", "/api/settings", data='{"low": 3}', headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json["low"]) == (200, 3)
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_change_says_who_and_why(clerk: Clerk) -> None:
    """The history has the actor, the note in the query, and the channel."""
    clerk.patch({"low": 3}, "?note=summer%20time", actor="ann")
    (change,) = clerk.get("/api/history")["changes"]
    assert [change[key] for key in ("actor", "note", "channel")] == ["ann", "summer time", "api"]


def test_what_changes_nothing_makes_no_revision(clerk: Clerk) -> None:
    """A patch that asks for what is in force is answered with the tag that was."""
    for patch in ({}, {"low": 0}, {"low": None}, {"smtp": {"port": 25}}, {"menu": {"tea": None}}):
        answer = clerk.patch(patch)
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"0"')


def test_a_rule_across_settings_names_no_setting(clerk: Clerk) -> None:
    """What the model refuses is 422, and points to the whole document."""
    problem = clerk.refused({"low": 12})
    assert problem["type"] == "urn:typed-waffle:InvalidChange"
    assert problem["errors"] == [
        {"pointer": "", "type": "value_error", "detail": "low 12 is above high 10"}
    ]


def test_all_settings_of_a_patch_are_one_change(clerk: Clerk) -> None:
    """If one value is refused, none is written."""
    problem = clerk.refused({"site_name": "x", "smtp": {"port": 0}, "tags": ["a"] * 4})
    assert [error["pointer"] for error in problem["errors"]] == ["/tags", "/smtp/port"]


def test_what_the_environment_pins_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A locked setting is answered 409, with its name."""
    monkeypatch.setenv("KIOSK_LOW", "2")
    clerk = Clerk(tmp_path, WAFFLE_ENV_PREFIX="KIOSK_")
    problem = clerk.refused({"low": 3}, 409)
    assert problem["type"] == "urn:typed-waffle:SettingLocked"
    assert problem["setting"] == "low"
    clerk.close()


# --- conditions -------------------------------------------------------------------------------


def test_a_change_on_top_of_another_is_refused(clerk: Clerk) -> None:
    """An old `If-Match` is answered 412, with what others changed, and the tag that is."""
    clerk.patched({"low": 1})
    clerk.patched({"high": 20})
    answer = clerk.patch({"low": 2}, headers={"If-Match": '"1"'})
    assert answer.status_code == 412
    assert answer.headers["ETag"] == '"2"'
    assert answer.json["type"] == "urn:typed-waffle:RevisionConflict"
    assert (answer.json["expected"], answer.json["actual"]) == (1, 2)
    (change,) = answer.json["changes"]
    assert change["fields"] == [{"field": "high", "before": 10, "after": 20}]
    assert clerk.revision() == 2


def test_a_conflict_tells_nothing_that_may_not_be_seen(clerk: Clerk) -> None:
    """The differences in a 412 are those that the visitor may read."""
    clerk.patched({"low": 1, "high": 20})
    answer = clerk.patch({"tags": []}, actor="bob", headers={"If-Match": '"0"'})
    assert answer.status_code == 412
    assert "low" not in answer.text.replace("lower", "")
    assert [field["field"] for field in answer.json["changes"][0]["fields"]] == ["high"]


@pytest.mark.parametrize("tag", ['"1"', "*", '"0", "1"', "1", 'W/"1", "1"'])
def test_a_change_on_top_of_what_was_seen_is_made(clerk: Clerk, tag: str) -> None:
    """Any of several tags may match, and an asterisk always does."""
    clerk.patched({"low": 1})
    assert clerk.patch({"low": 2}, headers={"If-Match": tag}).status_code == 200


@pytest.mark.parametrize("tag", ['W/"1"', '"x"', '"01"', '"0", "7"', '"99999999999999999999"'])
def test_a_tag_that_cannot_match_stops_the_change(clerk: Clerk, tag: str) -> None:
    """A weak tag, one that is no revision, and one of another revision are all answered 412."""
    clerk.patched({"low": 1})
    assert clerk.patch({"low": 2}, headers={"If-Match": tag}).status_code == 412
    assert clerk.revision() == 1


def test_a_condition_holds_even_if_nothing_differs(clerk: Clerk) -> None:
    """A patch that would change nothing is still answered 412 if it is based on the past."""
    clerk.patched({"low": 1})
    assert clerk.patch({}, headers={"If-Match": '"0"'}).status_code == 412


# --- rights -----------------------------------------------------------------------------------


def test_who_may_not_write_changes_nothing(clerk: Clerk) -> None:
    """One setting that they may not change stops all of the patch, and is named."""
    answer = clerk.patch({"tags": [], "high": 11, "low": 1}, actor="bob")
    assert answer.status_code == 403
    assert answer.json["type"] == "urn:typed-waffle:Barred"
    assert answer.json["settings"] == ["high", "low"]
    assert clerk.revision() == 0
    assert clerk.patch({"tags": []}, actor="bob").status_code == 200


def test_rights_come_before_the_parts_of_a_setting(tmp_path: Path) -> None:
    """Nobody learns which parts a setting has that they may not change."""
    hidden = {"may_read": lambda _, name: name != "smtp"}
    clerk = Clerk(tmp_path, rights=hidden)
    answer = clerk.patch({"smtp": {"hots": 1}})
    assert answer.status_code == 403
    assert "host" not in answer.text
    clerk.close()


def test_an_unknown_name_tells_no_hidden_one(clerk: Clerk) -> None:
    """The setting that may have been meant is named only to those who may see it."""
    told = clerk.patch({"lwo": 1})
    assert (told.status_code, told.json["nearest"], told.json["setting"]) == (422, "low", "lwo")
    untold = clerk.patch({"lwo": 1}, actor="bob")
    assert (untold.status_code, untold.json["nearest"]) == (422, None)
    assert "low" not in untold.text


def test_no_secret_is_in_any_answer(clerk: Clerk) -> None:
    """A secret that is set is in no answer, whatever happens to it."""
    answers = [
        clerk.patch({"api_key": CANARY, "smtp": {"password": CANARY}}),
        clerk.patch({"smtp": {"password": [CANARY]}}),
        clerk.patch({"smtp": {"password": CANARY, "port": 0}}),
        clerk.patch({"api_key": CANARY, "low": 12}),
        clerk.patch({"api_key": {CANARY: CANARY}}),
        clerk.patch({"low": 1}, headers={"If-Match": '"0"'}),
        *(clerk.ask("GET", f"/api/{path}") for path in ("settings", "history", "schema")),
        clerk.ask("GET", "/api/openapi.json"),
        clerk.ask("POST", "/api/rollback", json={"revision": 0}),
    ]
    assert [answer.status_code for answer in answers] == [200, *[422] * 4, 412, *[200] * 5]
    assert not [answer.text for answer in answers if CANARY in answer.text]
