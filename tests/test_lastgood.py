"""Copies of what is shown: when they are made, which one stays, and which one is taken."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.worker import Tape
from typed_waffle import lastgood
from typed_waffle.change import Head, State
from typed_waffle.copies import Copies
from typed_waffle.lastgood import LastGood
from typed_waffle.protocols import BusError
from typed_waffle.shelves.bus import BusShelf
from typed_waffle.shelves.file import FileShelf

COPIES = Copies("default", "the key", (), ("name",), None)


def state(revision: int, chain: str = "a", name: str = "Cake") -> State:
    return State(Head(revision, f"{chain}{revision}"), {"name": f'"{name}"'})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "default.copy"


@pytest.fixture
def near(path: Path) -> LastGood:
    """What one worker of this host keeps."""
    return one_with(path)


def one_with(path: Path) -> LastGood:
    return LastGood(COPIES, [FileShelf(path.parent, "default")])


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def distant(tape: Tape) -> LastGood:
    """What one worker keeps on the bus."""
    return LastGood(COPIES, [BusShelf(tape, "default")])


def on_bus(tape: Tape) -> State | None:
    text = BusShelf(tape, "default").read()
    return COPIES.read(text).state if text is not None else None


def at(path: Path) -> State:
    return COPIES.read(path.read_text()).state


# --- a file -----------------------------------------------------------------------------------


def test_the_newest_revision_is_kept(near: LastGood, path: Path) -> None:
    """Each that is shown replaces the one before."""
    for revision in (1, 2, 5):
        near.shown(state(revision))
        assert at(path) == state(revision)


def test_a_revision_is_written_once(near: LastGood, path: Path) -> None:
    """By one worker of the host, once, however often it is shown."""
    near.shown(state(3))
    written = path.stat().st_ino
    for _ in range(3):
        near.shown(state(3))
        one_with(path).shown(state(3))
    assert path.stat().st_ino == written


def test_an_older_revision_does_not_replace_a_newer_one(near: LastGood, path: Path) -> None:
    """A worker that lags leaves the copy of those that do not."""
    near.shown(state(9))
    behind = one_with(path)
    for _ in range(2):
        behind.shown(state(8), confirmed=True)
    assert at(path) == state(9)


def test_a_store_that_was_restored_is_followed(
    near: LastGood, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that stays ahead of what the store says is of before it was restored."""
    near.shown(state(9))
    monkeypatch.setattr(lastgood, "LOOK_SOON", 0.0)
    monkeypatch.setattr(lastgood, "RESTORED_AFTER", 0.0)
    after = one_with(path)
    after.shown(state(5), confirmed=True)
    assert at(path) == state(9)
    after.shown(state(5))  # the store was not asked: this worker may just lag
    assert at(path) == state(9)
    after.shown(state(5), confirmed=True)
    assert at(path) == state(5)


def test_another_change_of_the_same_number_replaces_the_copy(near: LastGood, path: Path) -> None:
    """One chain cannot have both: the store was restored."""
    near.shown(state(9))
    one_with(path).shown(state(9, "b"))
    assert at(path) == state(9, "b")


def test_texts_that_changed_without_a_revision_are_kept(near: LastGood, path: Path) -> None:
    """A hand, or a rotation of keys, makes none; the next worker to begin finds the difference."""
    near.shown(state(9))
    one_with(path).shown(state(9, name="Tart"))
    assert at(path) == state(9, name="Tart")


def test_a_copy_that_is_gone_or_old_is_made_anew(
    near: LastGood, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for now and then."""
    near.shown(state(9))
    path.unlink()
    near.shown(state(9), confirmed=True)
    assert not path.exists()
    near.reconnected()  # what a new connection says of distant shelves only
    near.shown(state(9), confirmed=True)
    assert not path.exists()
    monkeypatch.setattr(lastgood, "LOOK_AFTER", 0.0)
    near.shown(state(10), confirmed=True)
    path.unlink()
    near.shown(state(10), confirmed=True)
    assert at(path) == state(10)
    written = path.stat().st_ino
    near.shown(state(10), confirmed=True)
    assert path.stat().st_ino == written
    monkeypatch.setattr(lastgood, "RENEW_AFTER", timedelta(0))
    near.shown(state(10), confirmed=True)
    assert path.stat().st_ino != written


def test_a_worthless_copy_is_replaced(near: LastGood, path: Path) -> None:
    """Whatever lies there."""
    path.write_text("garbage")
    near.shown(state(1))
    assert at(path) == state(1)


def test_a_folder_that_cannot_be_written_costs_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is tried again later; what it says then is not repeated."""
    (tmp_path / "taken").write_text("a file")
    keeper = LastGood(COPIES, [FileShelf(tmp_path / "taken", "default")])
    for revision in range(1, 20):
        keeper.shown(state(revision))
    monkeypatch.setattr(lastgood, "PAUSE_AFTER_FAILURE", 0.0)
    assert len(caplog.messages) == 1
    assert f"{tmp_path / 'taken' / 'default.copy'}: Not a directory" in caplog.text
    again = LastGood(COPIES, [FileShelf(tmp_path / "taken", "default")])
    for revision in range(1, 20):
        again.shown(state(revision))
    assert len(caplog.messages) == 2
    (tmp_path / "taken").unlink()
    again.shown(state(20))
    assert at(tmp_path / "taken" / "default.copy") == state(20)


def test_what_is_too_long_is_not_kept(
    near: LastGood, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line says so; the copy before stays."""
    near.shown(state(1))
    for revision in (2, 3):
        near.shown(state(revision, name="x" * (FileShelf.limit + revision)))
    assert at(path) == state(1)
    assert len(caplog.messages) == 1
    assert "more than 16777216 characters" in caplog.text


# --- the bus ----------------------------------------------------------------------------------


def test_who_makes_a_change_leaves_a_copy(distant: LastGood, tape: Tape) -> None:
    """Those who only hear of it do not: a fleet would ask Redis all at once."""
    LastGood(COPIES, [BusShelf(tape, "default")]).shown(state(1), confirmed=True)
    assert on_bus(tape) is None
    distant.made(state(1), reachable=True)
    assert on_bus(tape) == state(1)


def test_a_write_that_could_not_be_announced_tries_no_copy(distant: LastGood, tape: Tape) -> None:
    """It has waited long enough; the next poll makes up for it."""
    distant.made(state(1), reachable=False)
    assert on_bus(tape) is None
    distant.polled(state(1))
    assert on_bus(tape) == state(1)


def test_a_server_that_forgot_is_reminded(distant: LastGood, tape: Tape) -> None:
    """After a new connection, the next poll looks; a newer copy is left alone."""
    distant.made(state(1), reachable=True)
    tape.notes.leave("last-good:default", "state", None, 0)
    distant.polled(state(1))
    assert on_bus(tape) is None
    distant.reconnected()
    distant.polled(state(1))
    assert on_bus(tape) == state(1)
    LastGood(COPIES, [BusShelf(tape, "default")]).made(state(2), reachable=True)
    distant.reconnected()
    distant.polled(state(1))
    assert on_bus(tape) == state(2)


def test_a_copy_that_was_overtaken_is_put_right(
    distant: LastGood, tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two who write at once, the older copy may come last: both look again soon."""
    monkeypatch.setattr(lastgood, "LOOK_SOON", 0.0)
    distant.made(state(2), reachable=True)
    LastGood(COPIES, [BusShelf(tape, "default")]).made(state(1), reachable=True)
    assert on_bus(tape) == state(1)
    distant.polled(state(2))
    assert on_bus(tape) == state(2)


def test_a_bus_that_refuses_costs_one_line(
    distant: LastGood, tape: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    """A user of Redis may lack the right to leave anything."""
    tape.refuses = BusError("NOPERM")
    for revision in range(1, 10):
        distant.made(state(revision), reachable=True)
        distant.polled(state(revision))
    assert len(caplog.messages) == 1
    assert "in Redis: NOPERM" in caplog.text


# --- taking one -------------------------------------------------------------------------------


def test_the_newest_of_all_copies_is_taken(
    path: Path, tape: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says where it was, and how old it is."""
    both = LastGood(COPIES, [BusShelf(tape, "default"), FileShelf(path.parent, "default")])
    assert both.found() is None
    assert caplog.messages == []
    both.made(state(1), reachable=True)
    for newest, where in ((2, str(path)), (3, "Redis")):
        if newest == 2:
            both.shown(state(2))
        else:
            both.made(state(3), reachable=True)
            path.unlink()
        caplog.clear()
        copy = both.found()
        assert copy is not None
        assert copy.state == state(newest)
        [line] = caplog.messages
        assert f"a copy of revision {newest}, kept 0:00:0" in line
        assert line.endswith(f"ago in {where}")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not whole, or not signed"),
        (b"\xff\xfe", "not whole, or not signed"),
        (b"x" * 17_000_000, "not whole, or not signed"),
        (COPIES.text(state(1))[:-5].encode(), "not whole, or not signed"),
        (Copies("default", "k", (), (), None).text(state(1)).encode(), "not signed with"),
        (Copies("other", "the key", (), (), None).text(state(1)).encode(), "namespace 'other'"),
        (None, "Is a directory. Let WAFFLE_CACHE_DIR be"),
    ],
)
def test_a_bad_file_is_ignored_with_one_line(
    near: LastGood, path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None, why: str
) -> None:
    """It names the file, the cause and the next step, and raises nothing."""
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    for _ in range(3):
        assert near.found() is None
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert str(path) in record.message
    assert why in record.message


def test_without_shelves_there_is_nothing() -> None:
    """And nothing fails."""
    nowhere = LastGood()
    nowhere.made(state(1), reachable=True)
    nowhere.polled(state(1))
    nowhere.reconnected()
    assert nowhere.found() is None
