"""The desk as one visitor may use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from werkzeug.exceptions import Forbidden, NotFound

from tests.support.kiosk import Kiosk
from typed_waffle import InvalidChange, RevisionConflict, UnknownSetting, Waffle
from typed_waffle.admin.counter import Barred, Counter
from typed_waffle.admin.visitor import Rights, Visitor
from typed_waffle.desk import Desk
from typed_waffle.paths import Assignment, assigned, parsed


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'kiosk.db'}"


@pytest.fixture
def waffle(url: str) -> Iterator[Waffle[Kiosk]]:
    with Waffle(Kiosk).connect({"WAFFLE_DATABASE_URL": url}) as waffle:
        yield waffle


@pytest.fixture
def other(url: str) -> Iterator[Waffle[Kiosk]]:
    """Another worker on the same database."""
    with Waffle(Kiosk).connect({"WAFFLE_DATABASE_URL": url}) as waffle:
        yield waffle


At = Callable[[Rights], Counter[Kiosk]]


@pytest.fixture
def at(waffle: Waffle[Kiosk]) -> At:
    return lambda rights: Counter(Desk(waffle), Visitor("ada", rights), "admin")


def all_but(*names: str) -> Callable[[str, str], bool]:
    return lambda _, name: name not in names


BLIND = Rights(read=all_but("low", "smtp"))
"""Of somebody who may not see two of the settings."""

CAREFUL = Rights(write=all_but("low", "smtp"))
"""Of somebody who may see them, and not change them."""


def given(path: str, text: str) -> Assignment:
    return assigned(Kiosk, parsed(Kiosk, path), text)


def change(counter: Counter[Kiosk], *assignments: Assignment, **more: int) -> None:
    counter.change(assignments, (), note=None, expected_revision=more.get("expected"))


def test_only_what_may_be_seen_is_listed(at: At) -> None:
    """In the order of the model."""
    revision, entries = at(BLIND).entries()
    assert revision == 0
    assert [entry.field for entry in entries] == [
        name for name in Kiosk.model_fields if name not in {"low", "smtp"}
    ]


def test_names_are_known_or_refused(at: At) -> None:
    """A name that is none is refused, and what is told of others is what they may see."""
    counter = at(BLIND)
    counter.named("high")
    for name in ("lwo", "smpt", "low.x"):
        with pytest.raises(UnknownSetting) as caught:
            counter.named(name)
        assert caught.value.nearest is None
        assert "smtp" not in str(caught.value).replace(name, "")
    with pytest.raises(UnknownSetting) as caught:
        counter.check(["high", "hihg"])
    assert caught.value.nearest == "high"
    with pytest.raises(UnknownSetting) as caught:
        counter.check(["x" * 1000])
    assert len(caught.value.field) < 200
    with pytest.raises(Barred) as barred:
        counter.check(["high", "low", "smtp"])
    assert barred.value.names == ("low", "smtp")


def test_the_revision_is_that_of_the_store(at: At, other: Waffle[Kiosk]) -> None:
    """What another worker wrote counts at once."""
    counter = at(Rights())
    assert counter.revision() == 0
    other.update(low=1)
    assert counter.revision() == 1


def test_a_change_says_who_and_how(at: At) -> None:
    """The actor is who was let in, whatever the surface is told."""
    made = at(Rights()).change([given("low", "3")], (), note="why", expected_revision=0)
    assert made is not None
    assert (made.actor, made.channel, made.note) == ("ada", "admin", "why")


@pytest.mark.parametrize("rights", [BLIND, CAREFUL])
@pytest.mark.parametrize("path", ["low", "smtp.host"])
def test_what_may_not_be_changed_is_not(at: At, rights: Rights, path: str) -> None:
    """Setting, putting back, and looking at what would come of it are refused, by name."""
    counter, text = at(rights), "5" if path == "low" else "mail"
    name = path.partition(".")[0]
    with pytest.raises(Barred, match=f"You may not change {name}"):
        change(counter, given("high", "20"), given(path, text))
    with pytest.raises(Barred, match=f"You may not change {name}"):
        counter.change((), [parsed(Kiosk, path)], note=None, expected_revision=None)
    with pytest.raises(Barred, match=f"You may not change {name}"):
        counter.foreseen([given(path, text)], ())
    assert counter.desk.revision == 0


def test_a_refusal_does_not_show_what_may_not_be_seen(at: At) -> None:
    """A visitor who may change one of two settings is not told the other's value."""
    counter = at(BLIND)
    with pytest.raises(InvalidChange) as caught:
        change(counter, given("high", "-4711"))
    (detail,) = caught.value.errors()
    assert detail["loc"] == ()
    assert detail["input"] is None


def test_a_conflict_does_not_show_what_may_not_be_seen(at: At, other: Waffle[Kiosk]) -> None:
    """What others changed meanwhile is told of visible settings only."""
    other.update(low=4, high=7)
    with pytest.raises(RevisionConflict) as caught:
        change(at(BLIND), given("site_name", "Mine"), expected=0)
    (found,) = caught.value.changes
    assert [(field.field, field.after) for field in found.fields] == [("high", 7)]
    assert "low" not in str(caught.value)


def test_the_history_is_told_as_far_as_it_may_be_seen(at: At, other: Waffle[Kiosk]) -> None:
    """It says how many settings of a change are left out."""
    other.update(low=4, high=7)
    counter = at(BLIND)
    (seen,) = counter.history(field=None, limit=10, before=None)
    assert [field.field for field in seen.change.fields] == ["high"]
    assert seen.hidden == 1
    assert counter.made(1) == seen
    with pytest.raises(Forbidden, match="You may not see low"):
        counter.history(field="low", limit=10, before=None)
    with pytest.raises(UnknownSetting):
        counter.history(field="lwo", limit=10, before=None)


def test_a_revision_that_is_not_there_is_not_found(at: At) -> None:
    """Nor is the one before the first change."""
    with pytest.raises(NotFound, match="no revision 5"):
        at(Rights()).made(5)
    with pytest.raises(NotFound, match="no revision 0"):
        at(Rights()).made(0)


def test_differences_are_of_what_may_be_seen(at: At, other: Waffle[Kiosk]) -> None:
    """Of two revisions, as of one and now."""
    other.update(low=4, high=7)
    revision, fields = at(BLIND).differences(0)
    assert (revision, [field.field for field in fields]) == (1, ["high"])


def test_going_back_needs_the_right_to_every_setting(at: At, other: Waffle[Kiosk]) -> None:
    """Also to one that would only lose its override, with the same value in force."""
    other.update(low=4)
    other.update(low=0)
    with pytest.raises(Barred, match="You may not change low"):
        at(CAREFUL).rollback(0, note=None, expected_revision=None)
    other.update(high=7)
    made = at(CAREFUL).rollback(2, note="back", expected_revision=3)
    assert made is not None
    assert (made.actor, made.channel, made.note) == ("ada", "rollback", "back")


def test_going_back_is_from_what_was_seen(at: At, other: Waffle[Kiosk]) -> None:
    """A change in between is a conflict, told as far as it may be seen."""
    other.update(high=7)
    other.update(low=4)
    with pytest.raises(RevisionConflict) as caught:
        at(BLIND).rollback(0, note=None, expected_revision=1)
    assert caught.value.actual == 2
    assert [change.fields for change in caught.value.changes] == [()]


def test_going_back_to_nowhere_says_so(at: At) -> None:
    """A revision that the history does not have is refused as everywhere."""
    with pytest.raises(InvalidChange, match="no way back to revision 9"):
        at(Rights()).rollback(9, note=None, expected_revision=None)


def test_the_workers_are_told_to_everybody(at: At) -> None:
    """Without Redis it is this one; it has applied what it shows."""
    counter = at(BLIND)
    change(counter, given("high", "20"))
    (worker,) = counter.workers()
    assert counter.applied(1).applied == (worker,)
    assert counter.applied(2).pending == (worker,)


def test_a_way_back_is_foreseen(at: At, other: Waffle[Kiosk]) -> None:
    """As far as they may go it; secrets that would stay are named."""
    other.update(api_key=SecretStr("older"), high=7)
    other.update(api_key=SecretStr("newer"), high=8)
    back = at(Rights()).foreseen_rollback(1)
    assert (back.revision, back.kept) == (2, ("api_key",))
    assert [(f.field, f.before, f.after) for f in back.fields] == [("high", 8, 7)]
    assert at(Rights()).foreseen_rollback(2).fields == ()
    with pytest.raises(InvalidChange, match="no way back to revision 3"):
        at(Rights()).foreseen_rollback(3)


def test_who_is_barred_learns_no_name_that_they_may_not_see(at: At, other: Waffle[Kiosk]) -> None:
    """Those are counted."""
    other.update(low=1, theme="dark", high=9)
    rights = Rights(read=all_but("low"), write=all_but("theme"))
    for go in (
        lambda: at(rights).foreseen_rollback(0),
        lambda: at(rights).rollback(0, note=None, expected_revision=1),
    ):
        with pytest.raises(Barred) as caught:
            go()
        assert (caught.value.names, caught.value.hidden) == (("theme",), 1)
        assert "low" not in (caught.value.description or "")


def test_a_change_can_be_undone_by_who_may_change_all_of_it(at: At, other: Waffle[Kiosk]) -> None:
    """And who may see all of it."""
    other.update(low=4, theme="dark")
    rules = [Rights(), CAREFUL, BLIND, Rights(read=all_but("high"), write=all_but("tone"))]
    found = []
    for rights in rules:
        counter = at(rights)
        found.append(counter.may_undo(counter.made(1)))
    assert found == [True, False, False, True]


def test_an_unknown_setting_is_told_without_those_that_may_not_be_seen(at: At) -> None:
    """Neither as a hint nor in a list; a long name is cut."""
    with pytest.raises(UnknownSetting) as caught:
        at(BLIND).named("lo")
    assert caught.value.nearest is None
    assert " low" not in str(caught.value)
    with pytest.raises(UnknownSetting) as caught:
        at(BLIND).named("x" * 10_000)
    assert len(str(caught.value)) < 1000


def test_who_sees_all_is_told_why_a_worker_rejects(at: At) -> None:
    """The reason may quote a value."""
    assert at(Rights()).sees_all
    assert not at(BLIND).sees_all
    assert "low" not in at(BLIND).readable()
    assert at(BLIND).me().id == at(Rights()).me().id
