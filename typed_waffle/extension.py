"""Waffle: what an application uses. It joins model, store, bus and listener."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from typed_waffle.binder import Binder
from typed_waffle.bindings import Bindings
from typed_waffle.callbacks import Callbacks
from typed_waffle.change import Change
from typed_waffle.current import proxy
from typed_waffle.edit import Edit
from typed_waffle.errors import ConfigurationError
from typed_waffle.fleet import FleetReport, WorkerInfo
from typed_waffle.model import M, completed, known
from typed_waffle.override import Override
from typed_waffle.pins import shown
from typed_waffle.snapshot import Snapshot
from typed_waffle.status import Status
from typed_waffle.writer import Writer

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from redis import Redis, RedisCluster
    from sqlalchemy import Engine

__all__ = ["WAFFLES", "Waffle"]

R = TypeVar("R")

_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
WAFFLES = "typed_waffle.waffles"
"""Where an application keeps every `Waffle` that it is bound to, by namespace."""


class Waffle(Generic[M]):
    """Settings of one model, for any number of applications.

    Args:
        model: The settings model.
        namespace: Keeps several models, or several applications, apart in one database. Change it
            when two of them share one; letters, digits, dots, dashes and underscores.

    Raises:
        DeclarationError: The model is generic, or names a type that cannot be resolved.
        ConfigurationError: The namespace is not of that form.
    """

    current_settings: M
    """The settings of the current context, typed as the model.

    Within one app context all reads see one snapshot, taken at the first read. Elsewhere it shows
    the live snapshot of the one bound application.
    """

    def __init__(self, model: type[M], *, namespace: str = "default") -> None:
        if not _NAMESPACE.fullmatch(namespace):
            raise ConfigurationError(
                "namespace",
                f"{namespace!r} is not 1 to 64 letters, digits, dots, dashes, underscores",
            )
        self.model = completed(model)
        self.namespace = namespace
        self._bindings: Bindings[M] = Bindings(self.model)
        self._writer: Writer[M] = Writer(self._bindings)
        self._callbacks: Callbacks[M] = Callbacks()
        self._binder = Binder(self, self.model, namespace, self._bindings, self._callbacks)
        self.current_settings = proxy(self.model, self._bindings.pins.current)

    def __repr__(self) -> str:
        return f"<Waffle {self.model.__qualname__} {self.namespace!r}>"

    # --- binding ------------------------------------------------------------------------------

    def init_app(
        self, app: Flask, *, engine: Engine | None = None, redis: Redis | RedisCluster | None = None
    ) -> None:
        """Bind to a Flask application. Nothing connects before the first use in each process.

        Args:
            app: The application; its `WAFFLE_*` keys are read and checked now.
            engine: The database, if you have an engine already. Otherwise `WAFFLE_DATABASE_URL`
                decides, then Flask-SQLAlchemy's engine, then `waffle.db` in the instance folder.
            redis: The Redis client, if you have one already; it also turns `WAFFLE_MULTIPROC` on
                unless that is set. Its address and credentials are used, not its timeouts.

        Raises:
            ConfigurationError: A `WAFFLE_*` key is unknown or bad, or the app is bound already.
        """
        self._binder.app(app, engine, redis)
        app.extensions.setdefault(WAFFLES, {})[self.namespace] = self

    @contextmanager
    def connect(
        self,
        config: Mapping[str, Any] | None = None,  # Any: as in Flask's app.config
        *,
        engine: Engine | None = None,
        redis: Redis | RedisCluster | None = None,
    ) -> Generator[Self, None, None]:
        """The same without Flask: for a script, a Celery worker, a shell.

        Args:
            config: The `WAFFLE_*` keys (and `SECRET_KEY`); from the environment variables of the
                same names if left out.
            engine: As in `init_app`; without any, `waffle.db` in the working directory.
            redis: As in `init_app`.

        Raises:
            ConfigurationError: A key is unknown or bad.
        """
        with self._binder.connection(config, engine, redis):
            yield self

    # --- read ---------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot[M]:
        """The snapshot that `current_settings` shows in this context.

        Raises:
            NotBound: No application is bound, or several are and no context says which.
        """
        return shown(self._bindings.pins.current.get())

    @contextmanager
    def pinned(self) -> Generator[M, None, None]:
        """Show one snapshot to every read in this context, whatever changes meanwhile.

        In an app context reads are pinned already; use this elsewhere, as in a long job.
        A change made inside by `update` is seen inside.
        """
        with self._bindings.pinned() as settings:
            yield settings

    def history(
        self, *, field: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[Change, ...]:
        """Changes, newest first.

        Args:
            field: Only changes that touch this field, under this name. A renamed field's old name
                gives the changes from before.
            limit: At most this many.
            before: Only revisions below this one: give the last page's lowest for the next page.

        Raises:
            UnknownSetting: The model has no such field.
            StoreUnavailable: The database does not answer.
        """
        ledger = self._bindings.meant().started().runtime.ledger
        return ledger.page(field=field, limit=limit, before=before)

    def status(self) -> Status:
        """How this process's worker is. It never waits for anything, and starts nothing."""
        return self._bindings.meant().status()

    def health(self) -> tuple[dict[str, str | int | bool], int]:
        """A view for monitoring: `app.add_url_rule("/healthz", view_func=waffle.health)`.

        It answers 200 while this worker is current (`live` or `degraded`), else 503. It tells the
        state, its beginning, the revision, and whether bus and store are well, and no details,
        which may name hosts. It never waits. As a load balancer's check it takes out every worker
        that is not current, which may be all of them.
        """
        status = self.status()
        return status.told(), 200 if status.current else 503

    # --- fleet --------------------------------------------------------------------------------

    def workers(self) -> tuple[WorkerInfo, ...]:
        """The fleet: every live worker of this namespace, this one included, by host and pid.

        A worker that died is in it for up to 35 seconds more. Without Redis, it is this one alone.
        A command of `flask waffle` is none: it is not in its own answer.

        Raises:
            BusUnavailable: Redis cannot be asked.
        """
        return self._bindings.meant().started().runtime.roster.workers()

    def wait_applied(self, revision: int, timeout: float) -> FleetReport:
        """Wait until every worker has applied or rejected a revision: after a deploy, in a test.

        Args:
            revision: As in `Change.revision`. Workers at a later one have applied it.
            timeout: Seconds after which the report is given with workers still pending.

        Raises:
            BusUnavailable: Redis could not be asked all that time.
        """
        worker = self._bindings.meant().started()
        return worker.runtime.roster.wait_applied(revision, timeout, worker.listener.poke)

    # --- write --------------------------------------------------------------------------------

    def update(self, /, **fields: object) -> Change | None:
        """Make one atomic, validated change; `None` (and no new revision) if nothing would differ.

        Raises:
            UnknownSetting: The model has no such field.
            SettingLocked: An environment variable pins the field.
            InvalidChange: The model refuses the values; nothing was written.
            StoreUnavailable: The database does not answer.
        """
        with self.edit() as edit:
            edit.update(**fields)
        return edit.change

    def reset(self, *fields: str) -> Change | None:
        """Drop the overrides of these fields, back to the defaults; raises as `update` does."""
        with self.edit() as edit:
            edit.reset(*fields)
        return edit.change

    @contextmanager
    def edit(
        self,
        *,
        actor: str | None = None,
        note: str | None = None,
        expected_revision: int | None = None,
    ) -> Generator[Edit[M], None, None]:
        """Make one change of many parts: it commits at the end of the block, or not at all.

        Args:
            actor: Who changes; `WAFFLE_ACTOR` names it unless given.
            note: Why, for the history.
            expected_revision: The revision the caller looked at. Give it when a person decides on
                what they saw: if anything changed since, nothing is written.

        Raises:
            RevisionConflict: The store is not at `expected_revision`.
            UnknownSetting, SettingLocked, InvalidChange, StoreUnavailable: As in `update`.
        """
        with self._writer.edit(
            "python", actor=actor, note=note, expected_revision=expected_revision
        ) as edit:
            yield edit

    def rollback(
        self,
        revision: int,
        *,
        actor: str | None = None,
        note: str | None = None,
        expected_revision: int | None = None,
    ) -> Change | None:
        """Make a new change that brings back the overrides of a revision; 0 is before the first.

        Today's model validates it. Only fields that the model declares are touched, and a secret
        that was set to another value since stays as it is: the history does not keep it.

        Args:
            revision: A revision whose later changes are all in the history.
            actor: Who rolls back; `WAFFLE_ACTOR` names it unless given.
            note: Why, for the history.
            expected_revision: As in `edit`.

        Raises:
            InvalidChange: There is no such revision, or its values do not fit the model any more.
            RevisionConflict: Others kept writing meanwhile, or it is not the expected revision.
            SettingLocked, StoreUnavailable: As in `update`.
        """
        return self._writer.rollback(revision, actor, note, expected_revision)

    def prune(self, *, keep: int) -> int:
        """Delete all but the newest changes from the history; how many were deleted.

        Settings and revision stay. `WAFFLE_HISTORY_KEEP` does the same with each change.

        Args:
            keep: How many changes to keep, 0 or more. A rollback needs those after its revision.

        Raises:
            ValueError: `keep` is negative.
            StoreUnavailable: The database does not answer.
        """
        if keep < 0:
            raise ValueError(f"keep = {keep} is negative: give the number of changes to keep")
        return self._bindings.meant().started().runtime.prune(keep)

    def refresh(self) -> None:
        """Read the store now, and show in this context what it says.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        runtime = self._bindings.meant().started().runtime
        runtime.refresh()
        self._bindings.repin(runtime.live)

    def rotate_keys(self) -> int:
        """Encrypt every stored secret anew with the first key; returns how many there are.

        Do this after a new key was put first in `WAFFLE_ENCRYPTION_KEYS` of every worker: then the
        older keys can go. Secrets that were stored in the clear are encrypted as well. It makes no
        revision, and other workers go on as they are.

        Raises:
            ConfigurationError: `WAFFLE_ENCRYPTION_KEYS` is not set, or does not open one of the
                secrets; nothing was rewritten.
            StoreUnavailable: The database does not answer.
        """
        return self._bindings.meant().rotate_keys()

    # --- test ---------------------------------------------------------------------------------

    def override(self, /, **fields: object) -> Override[M]:
        """Show these values in this context, for a test: a context manager, and a decorator.

        Nothing is written, nobody is told, and no store and no bus is needed.

        Raises:
            UnknownSetting: The model has no such field.
            InvalidChange: The model refuses a value. A rule across fields refuses at the entry.
        """
        return Override(self._bindings, self.model, fields)

    # --- admin --------------------------------------------------------------------------------

    def admin(
        self,
        url_prefix: str = "/settings",
        *,
        authorize: Callable[[], str | None] | None = None,
        may_read: Callable[[str, str], bool] | None = None,
        may_write: Callable[[str, str], bool] | None = None,
    ) -> Blueprint:
        """The admin page and the JSON API, to be registered on an application.

        Nothing opens by itself: who may come in is what `authorize` says, or who has the token in
        `WAFFLE_ADMIN_TOKEN`.

        Args:
            url_prefix: Where they are.
            authorize: Called in each request: the name of who asks, which is recorded with each
                change, or `None` if they may not come in. It may `abort`, to a login page of yours
                say. An error of it lets nobody in.
            may_read: `may_read(actor, field)` says whether they may see a setting. Give it if not
                everybody whom `authorize` lets in may see all. A nested model is one setting.
            may_write: As `may_read`, for changing. What may not be seen cannot be changed either.

        Raises:
            ConfigurationError: The extra `admin` is not installed. When it is registered: nothing
                says who may come in, or the application has no `SECRET_KEY`.
        """
        from typed_waffle.admin import admin  # noqa: PLC0415 - an extra, on the floor above

        return admin(self, url_prefix, authorize, may_read, may_write)

    # --- callbacks ----------------------------------------------------------------------------

    def on_change(self, *fields: str) -> Callable[[Callable[[M, M], R]], Callable[[M, M], R]]:
        """Decorate a function `f(old, new)` to be called in every worker after a change.

        Args:
            fields: Call it only if one of these changed its value; with none, for any field.

        An exception in it is logged, and the other callbacks still run. It runs outside of any app
        context: in the listener's thread, or in the thread that made the change.

        Raises:
            UnknownSetting: The model has no such field.
        """
        for field in fields:
            known(self.model, field)

        def register(call: Callable[[M, M], R]) -> Callable[[M, M], R]:
            self._callbacks.add(frozenset(fields), call)
            return call

        return register

    # --- lifecycle ----------------------------------------------------------------------------

    def start(self) -> None:
        """Connect now instead of at the first use. Never needed; a first request may be faster.

        Raises:
            ConfigurationError: Something is set up wrong.
        """
        self._bindings.meant().started()

    def close(self) -> None:
        """Stop the listener and give back connections. The last snapshot stays readable.

        Safe to call twice; `start`, or any write, begins anew.
        """
        for binding in self._bindings.all():
            binding.close()
