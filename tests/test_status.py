"""Status: the facts of a worker and the state that follows from them."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from tests.support.waiting import eventually
from typed_waffle import status as module
from typed_waffle.status import Board


@pytest.fixture
def board() -> Board:
    """A worker that listens, before anything happened."""
    return Board(listens=True)


def state(board: Board) -> str:
    return board.status(0).state


def live(board: Board) -> Board:
    board.store_asked()
    board.store_answered()
    board.bus_up()
    return board


def test_before_anything_happened_it_is_starting(board: Board) -> None:
    """Neither the store nor the bus was tried."""
    assert state(board) == "starting"


def test_with_store_and_bus_it_is_live(board: Board) -> None:
    """Both answered."""
    assert state(live(board)) == "live"


def test_without_a_listener_the_store_is_enough() -> None:
    """A worker that only polls is live while polling works."""
    board = Board(listens=False)
    board.store_answered()
    assert state(board) == "live"
    assert not board.bus_ok
    board.store_failed("away")
    assert state(board) == "stale"


def test_without_the_bus_it_is_degraded(board: Board) -> None:
    """Changes are still found, by polling."""
    live(board).bus_down("gone")
    assert state(board) == "degraded"
    assert not board.bus_ok


def test_without_the_store_it_is_degraded(board: Board) -> None:
    """The bus still tells of changes, but none can be made."""
    live(board).store_failed("away")
    assert state(board) == "degraded"


def test_without_both_it_is_stale(board: Board) -> None:
    """Nobody can say whether the values are current."""
    live(board).store_failed("away")
    board.bus_down("gone")
    assert state(board) == "stale"


def test_a_store_that_never_answered_makes_it_stale(board: Board) -> None:
    """The defaults are shown, and a healthy bus does not make them current."""
    board.store_failed("away")
    board.bus_up()
    assert state(board) == "stale"


def test_what_does_not_fit_makes_it_rejected_until_it_fits(board: Board) -> None:
    """The state says so whatever store and bus do."""
    live(board).misfits({"name": "too long", "": "low is above high"})
    assert state(board) == "rejected"
    assert board.status(0).last_error == "name: too long; low is above high"
    board.bus_down("gone")
    assert state(board) == "rejected"
    board.bus_up()
    board.misfits({})
    assert state(board) == "live"


def test_after_close_it_is_closed(board: Board) -> None:
    """Whatever comes late does not change that."""
    live(board).closed()
    board.bus_down("gone")
    assert state(board) == "closed"


def test_a_read_that_hangs_counts_as_failed(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that holds the connection and answers nothing is not healthy."""
    live(board).bus_down("gone")
    board.store_asked()
    assert state(board) == "degraded"
    monkeypatch.setattr(module, "STUCK_AFTER", 0.0)
    eventually(lambda: state(board) == "stale")
    assert "no answer for" in board.status(0).store.detail
    board.store_answered()
    assert state(board) == "degraded"


def test_a_read_that_raises_anything_counts_as_failed(board: Board) -> None:
    """It is raised, and the store is not called well meanwhile; its text may hold anything."""
    live(board).bus_down("gone")

    def fail() -> None:
        raise KeyError("canary-4711")

    with pytest.raises(KeyError):
        board.asked(fail)
    assert state(board) == "stale"
    assert board.status(0).store.detail == "KeyError"


def test_the_last_error_stays_after_it_is_mended(board: Board) -> None:
    """Somebody who looks later still learns what happened."""
    live(board).bus_down("gone")
    board.bus_up()
    assert state(board) == "live"
    assert board.status(0).last_error == "gone"


def test_a_note_changes_no_state(board: Board) -> None:
    """It is told, and nothing else."""
    live(board).note("one message was not sent")
    assert state(board) == "live"
    assert board.status(0).last_error == "one message was not sent"


def test_health_says_when_it_was_last_well(board: Board) -> None:
    """The time is aware, and stays when the connection fails."""
    live(board).bus_down("gone")
    found = board.status(3)
    assert found.revision == 3
    assert (found.bus.ok, found.bus.detail) == (False, "gone")
    assert found.bus.last_ok is not None
    assert found.bus.last_ok.utcoffset() == timedelta(0)
    assert (found.store.ok, found.store.detail) == (True, "answers")


def test_since_is_when_the_state_began(board: Board) -> None:
    """It moves with the state, and only then."""
    first = live(board).status(0).since
    board.store_answered()
    assert board.status(0).since == first
    board.bus_down("gone")
    assert board.status(0).since > first


def test_each_change_of_state_is_logged_once(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    """A long outage is one line, not one for each try."""
    caplog.set_level(logging.INFO)
    live(board)
    caplog.clear()
    for _ in range(50):
        board.bus_down("gone")
    board.bus_up()
    found = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert found == [
        ("WARNING", "settings are degraded, were live (gone)"),
        ("INFO", "settings are live, were degraded"),
    ]


def test_a_worker_on_its_way_warns_of_nothing(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    """Between its first read and its subscription it is degraded, but nothing went wrong."""
    live(board)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_state_that_goes_to_and_fro_floods_no_log(
    board: Board, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few lines, and in the end the state as it is, with the number of lines left out."""
    caplog.set_level(logging.INFO)
    live(board)
    for _ in range(100):
        board.bus_down("gone")
        board.bus_up()
    assert len(caplog.records) < 10
    monkeypatch.setattr("typed_waffle.journal.GAP", 1e-9)
    assert state(board) == "live"
    last = caplog.records[-1].getMessage()
    assert last.startswith("settings are live, were degraded (and ")
    assert last.endswith(" such lines before it)")


def test_a_log_handler_may_ask_for_the_status(board: Board) -> None:
    """Nothing is logged under a lock."""
    asked: list[str] = []

    class Asking(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            asked.append(state(board))

    handler = Asking()
    logging.getLogger("typed_waffle.status").addHandler(handler)
    try:
        live(board).bus_down("gone")
    finally:
        logging.getLogger("typed_waffle.status").removeHandler(handler)
    assert "degraded" in asked
