"""History, rollback, workers and health by the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.teller import Teller

RIGHTS = {
    "may_read": lambda actor, name: actor == "ann" or name != "low",
    "may_write": lambda actor, name: actor == "ann" or name == "tags",
}


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    teller = Teller(tmp_path, rights=RIGHTS)
    yield teller
    teller.close()


# --- history ----------------------------------------------------------------------------------


def test_history_is_newest_first_and_comes_in_pages(teller: Teller) -> None:
    """The lowest revision of a page leads to the next one."""
    for low in (1, 2, 3):
        teller.patched({"low": low})
    first = teller.get("/api/history?limit=2")["changes"]
    assert [change["revision"] for change in first] == [3, 2]
    assert first[0]["fields"] == [{"field": "low", "before": 2, "after": 3}]
    rest = teller.get("/api/history?limit=2&before=2")["changes"]
    assert [change["revision"] for change in rest] == [1]


def test_history_of_one_setting(teller: Teller) -> None:
    """With `field`, only changes that touch it."""
    teller.patched({"low": 1})
    teller.patched({"tags": []})
    assert [change["revision"] for change in teller.get("/api/history?field=tags")["changes"]] == [
        2
    ]


def test_history_counts_what_it_hides(teller: Teller) -> None:
    """Who may not see a setting is told that there was more in a change, and not what."""
    teller.patched({"low": 1, "high": 11})
    (change,) = teller.get("/api/history", actor="bob")["changes"]
    assert change["hidden"] == 1
    assert [field["field"] for field in change["fields"]] == ["high"]
    assert teller.ask("GET", "/api/history?field=low", actor="bob").status_code == 403


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        *[
            (f"limit={bad}", "limit")
            for bad in ("0", "501", "-1", "x", "", "1.5", "\u0661", "1&limit=2")
        ],
        *[(f"before={bad}", "before") for bad in ("-1", "x", "9" * 16, "%00", "1e3", " 1")],
        *[(f"field={bad}", "field") for bad in ("lwo", "", "smtp.port", "__class__", "x" * 9000)],
    ],
)
def test_a_bad_parameter_is_named(teller: Teller, query: str, parameter: str) -> None:
    """What a parameter cannot be is answered 400, with its name."""
    answer = teller.ask("GET", f"/api/history?{query}")
    assert (answer.status_code, answer.json["parameter"]) == (400, parameter)
    assert len(answer.data) < 1_000


def test_a_setting_that_may_have_been_meant_is_told(teller: Teller) -> None:
    """The nearest name is told, to those who may see it."""
    answer = teller.ask("GET", "/api/history?field=lwo")
    assert answer.json["nearest"] == "low"
    assert "nearest" not in teller.ask("GET", "/api/history?field=lwo", actor="bob").json


# --- rollback ---------------------------------------------------------------------------------


def test_rollback_is_a_change(teller: Teller) -> None:
    """It brings the values back, and says so with a note and a new tag."""
    teller.patched({"low": 1})
    teller.patched({"low": 2, "tags": []})
    answer = teller.ask("POST", "/api/rollback", json={"revision": 1, "note": "oh"})
    change = answer.json["change"]
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert [change[key] for key in ("actor", "note", "channel")] == ["ann", "oh", "rollback"]
    assert {field["field"]: field["after"] for field in change["fields"]} == {
        "low": 1,
        "tags": ["new"],
    }


def test_rollback_to_where_it_is_changes_nothing(teller: Teller) -> None:
    """There is no change then, and the tag is what it was."""
    teller.patched({"low": 1})
    answer = teller.ask("POST", "/api/rollback", json={"revision": 1})
    assert (answer.json, answer.headers["ETag"]) == ({"change": None}, '"1"')


def test_rollback_on_top_of_another_change_is_refused(teller: Teller) -> None:
    """`If-Match` holds here as well."""
    teller.patched({"low": 1})
    back = {"revision": 0}
    stale = teller.ask("POST", "/api/rollback", headers={"If-Match": '"0"'}, json=back)
    assert (stale.status_code, stale.json["actual"]) == (412, 1)
    fresh = teller.ask("POST", "/api/rollback", headers={"If-Match": '"1"'}, json=back)
    assert fresh.status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/revision"),
        ({"revision": "1"}, "/revision"),
        ({"revision": 1.0}, "/revision"),
        ({"revision": True}, "/revision"),
        ({"revision": None}, "/revision"),
        ({"revision": -1}, "/revision"),
        ({"revision": 10**15}, "/revision"),
        ({"revision": 0, "note": 1}, "/note"),
        ({"revision": 0, "actor": "eve"}, "/actor"),
        ({"revision": 0, "__class__": {}}, "/__class__"),
    ],
)
def test_rollback_takes_what_it_needs_only(teller: Teller, body: object, pointer: str) -> None:
    """Any other member or type is answered 422, and nothing is rolled back."""
    teller.patched({"low": 1})
    answer = teller.ask("POST", "/api/rollback", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert teller.revision() == 1


def test_rollback_to_nowhere(teller: Teller) -> None:
    """A revision that never was is refused."""
    answer = teller.ask("POST", "/api/rollback", json={"revision": 7})
    assert (answer.status_code, answer.json["errors"]) == (422, [])
    assert "no way back to revision 7" in answer.json["detail"]


def test_rollback_needs_the_right_to_all_that_it_changes(teller: Teller) -> None:
    """Who may not change one of the settings changes none."""
    teller.patched({"tags": []})
    teller.patched({"high": 11})
    answer = teller.ask("POST", "/api/rollback", json={"revision": 0}, actor="bob")
    assert (answer.status_code, answer.json["settings"]) == (403, ["high"])
    assert teller.revision() == 2


# --- fleet ------------------------------------------------------------------------------------


def test_workers_without_redis_are_this_one(teller: Teller) -> None:
    """The worker that answers is there, and what it has applied if that is asked for."""
    teller.patched({"low": 1})
    plain = teller.get("/api/workers")
    (worker,) = plain["workers"]
    assert plain.keys() == {"workers"}
    assert (worker["revision"], worker["state"]) == (1, "live")
    told = teller.get("/api/workers?revision=1")
    assert [len(told[group]) for group in ("applied", "rejected", "pending")] == [1, 0, 0]
    later = teller.get("/api/workers?revision=2")
    assert [len(later[group]) for group in ("applied", "rejected", "pending")] == [0, 0, 1]
    bad = teller.ask("GET", "/api/workers?revision=x")
    assert (bad.status_code, bad.json["parameter"]) == (400, "revision")


def test_redis_that_does_not_answer(tmp_path: Path) -> None:
    """Then nobody knows the workers: 503, and when to ask again. Settings go on."""
    teller = Teller(tmp_path, WAFFLE_REDIS_URL="redis://127.0.0.1:1")
    answer = teller.ask("GET", "/api/workers")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json["type"] == "urn:typed-waffle:BusUnavailable"
    assert teller.patch({"low": 1}).status_code == 200
    teller.close()


def test_health_is_that_of_this_worker(teller: Teller) -> None:
    """It is what `Waffle.health` gives: 200 while the worker is current, else 503."""
    teller.get("/api/settings")
    health = teller.get("/healthz")
    assert (health["state"], health["store"]) == ("live", True)
    teller.close()
    with teller.app.app_context():
        document, status = teller.waffle.health()
    answer = teller.ask("GET", "/healthz")
    assert (answer.json, answer.status_code) == (document, status) == (document, 503)
