"""Binder: ties one Waffle to Flask applications, and to connections without Flask."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from flask import appcontext_popped, appcontext_pushed

from typed_waffle.binding import Binding
from typed_waffle.bindings import Bindings
from typed_waffle.callbacks import Callbacks, differing
from typed_waffle.config import Config, environment_keys
from typed_waffle.display import Observer
from typed_waffle.errors import ConfigurationError
from typed_waffle.model import M
from typed_waffle.pins import show
from typed_waffle.signals import emit, settings_changed, settings_rejected
from typed_waffle.snapshot import Snapshot
from typed_waffle.sources import Given, Lent, Sources
from typed_waffle.surroundings import loading

if TYPE_CHECKING:
    from flask import Flask
    from redis import Redis, RedisCluster
    from sqlalchemy import Engine

__all__ = ["EXTENSION", "Binder"]

EXTENSION = "typed_waffle"
"""Where an application keeps its bindings: `app.extensions[EXTENSION][namespace]`."""


class Binder(Generic[M]):
    """Makes the bindings of one Waffle, and passes on what they tell.

    It keeps neither the Waffle (its owner) nor an application alive.
    """

    def __init__(
        self,
        owner: object,
        model: type[M],
        namespace: str,
        bindings: Bindings[M],
        callbacks: Callbacks[M],
    ) -> None:
        self._owner = weakref.ref(owner)
        self._model = model
        self._namespace = namespace
        self._bindings = bindings
        self._callbacks = callbacks

    def app(self, app: Flask, engine: Engine | None, redis: Redis | RedisCluster | None) -> None:
        """See `Waffle.init_app`."""
        bound: dict[str, Binding[Any]] = app.extensions.setdefault(EXTENSION, {})  # Any: any model
        if self._namespace in bound:
            raise ConfigurationError(
                "init_app",
                f"this application already has a Waffle with the namespace {self._namespace!r}. "
                "Call init_app once for each, or give the second Waffle a namespace of its own",
            )
        owner: weakref.ref[Flask] = weakref.ref(app)
        given = Given(engine, redis, Path(app.instance_path), owner)
        binding = self._bind(Config.read(app.config), given, owner)
        bound[self._namespace] = binding
        binding.close_with(app)
        appcontext_pushed.connect(binding.pushed, app)
        appcontext_popped.connect(binding.popped, app)

    @contextmanager
    def connection(
        self,
        config: Mapping[str, Any] | None,  # Any: as in Flask's app.config
        engine: Engine | None,
        redis: Redis | RedisCluster | None,
        lend: Callable[[Binding[M]], Lent] | None = None,
    ) -> Generator[None, None, None]:
        """See `Waffle.connect`; what is lent is used in the place of what the keys name."""
        read = Config.read(environment_keys() if config is None else config)
        binding = self._bind(read, Given(engine, redis, Path.cwd(), lambda: None), self._owner)
        if lend is not None:
            binding.sources.lend(lend(binding))
        pins = self._bindings.pins
        current, before = pins.current, pins.current.get()
        try:
            binding.started()
            current.set(pins.under(binding.holder, current.get()))
            yield
        finally:
            current.set(pins.under(before, current.get()))
            binding.close()
            self._bindings.remove(binding)

    def _bind(
        self, config: Config, given: Given, sender: Callable[[], object | None]
    ) -> Binding[M]:
        me = weakref.ref(self)
        bound: list[weakref.ref[Binding[M]]] = []

        def shown(snapshot: Snapshot[M]) -> None:
            binder, binding = me(), bound[0]()
            if binder is not None and binding is not None and not loading():
                show(binding.holder, snapshot)
                binder._bindings.show()  # noqa: SLF001 - of this very class

        def changed(old: Snapshot[M], new: Snapshot[M]) -> None:
            binder, source = me(), sender()
            if binder is not None and source is not None:
                binder._tell(source, old, new)  # noqa: SLF001 - of this very class

        def rejected(revision: int, reasons: Mapping[str, str]) -> None:
            binder, source = me(), sender()
            if binder is not None and source is not None:
                waffle = binder._owner()  # noqa: SLF001 - of this very class
                emit(settings_rejected, source, waffle=waffle, revision=revision, reasons=reasons)

        binding = Binding(
            self._model,
            self._namespace,
            Sources(self._model, config, given),
            self._bindings.pins,
            Observer(shown, changed, rejected),
        )
        bound.append(weakref.ref(binding))
        self._bindings.add(binding)
        return binding

    def _tell(self, sender: object, old: Snapshot[M], new: Snapshot[M]) -> None:
        changed = differing(old.settings, new.settings)
        if changed:
            try:
                self._callbacks.tell(changed, old.settings, new.settings)
            finally:
                emit(settings_changed, sender, waffle=self._owner(), old=old, new=new)
