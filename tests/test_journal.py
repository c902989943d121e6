"""The journal: lines of a log that an outage cannot flood."""

from __future__ import annotations

import logging
from contextvars import ContextVar, copy_context

import pytest

from typed_waffle import journal as module
from typed_waffle.journal import FEW, GAP, Journal, held, logger_of


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def journal(clock: Clock) -> Journal:
    return Journal(logging.getLogger("tests.journal"))


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_few_lines_are_written_at_once(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """What happens seldom is written without delay, with its values."""
    assert all(journal.log(logging.WARNING, "it is %s", n) for n in range(FEW))
    assert lines(caplog) == [f"it is {n}" for n in range(FEW)]


def test_more_are_left_out_and_counted(
    journal: Journal, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The next line says how many are missing before it."""
    for n in range(FEW + 7):
        journal.log(logging.WARNING, "it is %s", n)
    assert len(lines(caplog)) == FEW
    clock.now += GAP
    journal.log(logging.WARNING, "it is %s", "back")
    assert lines(caplog)[-1] == "it is back (and 7 such lines before it)"


def test_ten_minutes_of_trouble_are_fifteen_lines(
    journal: Journal, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A few at once, and one a minute."""
    for _ in range(10 * 60 - 1):
        journal.log(logging.WARNING, "trouble")
        clock.now += 1
    assert len(lines(caplog)) <= 15


def test_quiet_time_saves_up_no_more_than_a_few(
    journal: Journal, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """After a quiet day as many lines are written at once as in the beginning."""
    clock.now += 86_400
    for _ in range(100):
        journal.log(logging.WARNING, "trouble")
    assert len(lines(caplog)) == FEW


def test_the_error_that_is_handled_is_written(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """With its traceback, where that is asked for."""
    try:
        1 / 0  # noqa: B018 - for its error
    except ZeroDivisionError:
        journal.log(logging.ERROR, "it failed", error=True)
    assert "ZeroDivisionError" in caplog.text


# --- lines that wait ----------------------------------------------------------------------------


def test_lines_wait_until_what_is_locked_is_free(caplog: pytest.LogCaptureFixture) -> None:
    """They are written in order at the end of the outermost block, also if that fails."""
    logger = logger_of("tests.journal")

    def work() -> None:
        with held():
            with held():
                logger.warning("one")
            logger.warning("two")
            assert not caplog.records
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    logger.warning("three")
    assert lines(caplog) == ["one", "two", "three"]


def test_a_handler_that_fails_is_nothing_of_the_block(caplog: pytest.LogCaptureFixture) -> None:
    """The other lines are written, and an error of the block is the one that is raised."""
    logger = logger_of("tests.journal")

    def fragile(record: logging.LogRecord) -> bool:
        return bool(1 / (record.msg != "one"))

    caplog.handler.addFilter(fragile)

    def work() -> None:
        with held():
            logger.warning("one")
            logger.warning("two")
            raise LookupError

    try:
        with pytest.raises(LookupError):
            work()
    finally:
        caplog.handler.removeFilter(fragile)
    assert lines(caplog) == ["two"]


def test_a_line_is_written_in_its_own_context(caplog: pytest.LogCaptureFixture) -> None:
    """Handlers see what they would have seen when it was made."""
    request: ContextVar[str] = ContextVar("request", default="none")

    def tagged(record: logging.LogRecord) -> bool:
        record.msg = f"{request.get()}: {record.msg}"
        return True

    caplog.handler.addFilter(tagged)
    try:
        with held():
            token = request.set("this")
            logger_of("tests.journal").warning("one")
            request.reset(token)
    finally:
        caplog.handler.removeFilter(tagged)
    assert lines(caplog) == ["this: one"]


def test_a_line_of_a_context_that_goes_on_is_not_lost(caplog: pytest.LogCaptureFixture) -> None:
    """A thread with a copy of the context may outlast the block; its lines are written at once."""
    with held():
        copy = copy_context()
    copy.run(logger_of("tests.journal").warning, "late")
    assert lines(caplog) == ["late"]
