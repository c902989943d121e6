"""Who may go back to a revision, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from tests.support.office import Browser, Office
from typed_waffle import Change, RevisionConflict, Waffle, WaffleModel
from typed_waffle.admin.counter import Barred, Counter
from typed_waffle.admin.visitor import Rights, Visitor
from typed_waffle.desk import Desk, Signature


class Loose(WaffleModel):
    """What the newer code takes."""

    size: int = 1
    closed: str = "shut"
    open: int = 0


class Strict(Loose):
    """What this worker's code takes."""

    size: Annotated[int, Field(le=10)] = 1


def may_read(actor: str, name: str) -> bool:
    return actor == "root" or name != "closed"


def may_write(actor: str, name: str) -> bool:
    return actor == "root" or name == "open"


RIGHTS = Rights(may_read, may_write)


@pytest.fixture
def office(offices: Callable[..., Office]) -> Office:
    """It rejects revision 3. Only root may change more than one setting."""
    office = offices(Strict, may_read=may_read, may_write=may_write)
    office.change(closed="by root")
    office.change(open=1)
    office.change_elsewhere(Loose, size=99)
    return office


def forged(browser: Browser, revision: int, expected: int) -> int:
    """The answer to a form that nobody was given."""
    browser.get("/")
    return browser.post(f"/rollback/{revision}", {"revision": str(expected)}).status_code


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk[Loose]]:
    url = f"sqlite:///{tmp_path / 'settings.db'}"
    with Waffle(Loose).connect({"WAFFLE_DATABASE_URL": url}) as waffle:
        yield Desk(waffle)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Waffle[Loose]]:
    """Another worker on the same database."""
    url = f"sqlite:///{tmp_path / 'settings.db'}"
    with Waffle(Loose).connect({"WAFFLE_DATABASE_URL": url}) as waffle:
        yield waffle


def test_a_worker_that_rejects_a_revision_knows_the_rights(office: Office) -> None:
    """What counts is what the store says, not what the worker shows."""
    browser = office.browser("eve")
    assert forged(browser, 0, 3) == 403
    assert "You may not change size and 1 setting that you may not see." in browser.text
    assert forged(browser, 2, 3) == 403
    with office.app.app_context():
        assert office.waffle.history(limit=1)[0].revision == 3


@pytest.mark.parametrize("expected", [1, 2, 4])
def test_a_form_about_another_revision_goes_nowhere(office: Office, expected: int) -> None:
    """Nothing is written, whoever sends it."""
    for actor in ("eve", "root"):
        assert forged(office.browser(actor), 0, expected) in {403, 409}
    with office.app.app_context():
        assert office.waffle.history(limit=1)[0].revision == 3


@pytest.mark.parametrize("expected", [1, 2, 3, None])
def test_a_write_at_the_same_time_gives_no_right(
    desk: Desk[Loose], other: Waffle[Loose], monkeypatch: pytest.MonkeyPatch, expected: int | None
) -> None:
    """Whatever revision somebody foresees, the rights to what is written are looked at."""
    other.update(closed="by root")
    other.update(open=1)
    slow = Desk[Loose].rollback

    def overtaken(*given: object, **more: object) -> Change | None:
        other.update(open=2)
        return slow(*given, **more)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(Desk, "rollback", overtaken)
    counter = Counter(desk, Visitor("eve", RIGHTS), "admin")
    with pytest.raises((Barred, RevisionConflict)):
        counter.rollback(0, note=None, expected_revision=expected)
    assert {change.channel for change in other.history()} == {"python"}


def test_what_was_looked_at_is_what_is_written(desk: Desk[Loose], other: Waffle[Loose]) -> None:
    """A write between the look and the change makes it look again."""
    other.update(open=1)
    meanwhile = iter(["by root"])

    def slow(actor: str, name: str) -> bool:
        for text in meanwhile:
            other.update(closed=text)
        return may_write(actor, name)

    counter = Counter(desk, Visitor("eve", Rights(may_read, slow)), "admin")
    with pytest.raises(Barred):
        counter.rollback(0, note=None, expected_revision=None)
    assert other.history(limit=1)[0].revision == 2


def test_the_command_line_needs_no_rights(desk: Desk[Loose], other: Waffle[Loose]) -> None:
    """A conflict is told before anything is written."""
    other.update(closed="by root")
    with pytest.raises(RevisionConflict) as caught:
        desk.rollback(0, Signature("cli", expected_revision=5))
    assert (caught.value.expected, caught.value.actual, caught.value.changes) == (5, 1, ())
    assert desk.rollback(0, Signature("cli", expected_revision=1)) is not None


@pytest.mark.parametrize("match", ['"3"', '"4"', '"2", "3"', '"1", "4"', "*", None])
def test_the_api_gives_no_right_either(office: Office, match: str | None) -> None:
    """Whatever `If-Match` says."""
    headers = {"X-Actor": "eve", **({"If-Match": match} if match else {})}
    answer = office.app.test_client().post(
        "/settings/api/rollback", json={"revision": 0}, headers=headers
    )
    assert answer.status_code in {403, 412}
    with office.app.app_context():
        assert office.waffle.history(limit=1)[0].revision == 3
