"""The typed proxy `current_settings`, and the pin that keeps one snapshot for a context.

Speed decides the form. A read of a field is one property, one `ContextVar.get` and one attribute
of the pin, whose `__dict__` is the very `__dict__` of the settings it shows: no lookup of ours, no
lock, no I/O. A pin that nobody has read yet is of another class, which takes the snapshot at the
first read and then turns into a plain pin.
"""

# Underscored, so that no field can hide them; they are this module's own.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, cast

from typed_waffle.layers import Layers
from typed_waffle.model import M, WaffleModel
from typed_waffle.snapshot import Snapshot
from typed_waffle.surroundings import loading

if TYPE_CHECKING:
    from types import FunctionType

__all__ = [
    "Cover",
    "Pin",
    "covered",
    "covering",
    "enter",
    "forget",
    "leave",
    "live",
    "origin",
    "outer",
    "proxy",
    "show",
    "shown",
    "taken",
    "under",
    "unread",
]


class Pin(Generic[M]):
    """One context's view: a snapshot, shown attribute by attribute.

    It has no methods: a field may have any name that does not begin with an underscore.
    """

    __slots__ = ("__dict__", "__weakref__", "_cover", "_first", "_outer", "_snapshot", "_source")

    _cover: Cover[M] | None
    _first: list[Snapshot[M]]
    _outer: Pin[M] | None
    _snapshot: Snapshot[M]
    _source: Callable[[], Snapshot[M]]


class _Unread(Pin[M]):
    """A pin that nobody has read yet."""

    __slots__ = ()

    def __getattr__(self, name: str) -> object:
        # Only missing attributes come here: the first read of a field, or of the snapshot.
        first = self._first
        first.append(self._source())
        show(self, first[0])  # two threads that share a context see one snapshot
        return getattr(self, name)


class _Live(Pin[M]):
    """A pin that follows what is live, until it is read for the first time."""

    __slots__ = ()

    def __getattr__(self, name: str) -> object:
        snapshot: Snapshot[M] | None = None
        if loading():  # it is for this moment only: nobody would replace it in a worker
            latest = self._source()
            return latest if name == "_snapshot" else getattr(latest.settings, name)
        try:
            # Anew until nothing moved: a newer one that was shown meanwhile must not be hidden.
            while (latest := self._source()) is not snapshot:
                show(self, snapshot := latest)
        except BaseException:
            forget(self)
            raise
        return getattr(self, name)


def unread(source: Callable[[], Snapshot[M]], before: Pin[M] | None = None) -> Pin[M]:
    """A pin that takes its snapshot from `source` at the first read; it hides `before`."""
    pin: Pin[M] = _Unread()
    pin._source = source
    pin._outer = before
    pin._cover = None
    pin._first = []
    return pin


def live(source: Callable[[], Snapshot[M]]) -> Pin[M]:
    """A pin for what is live: whoever makes a newer snapshot live shows it here."""
    pin: Pin[M] = _Live()
    pin._source = source
    pin._outer = pin._cover = None
    return pin


def show(pin: Pin[M], snapshot: Snapshot[M]) -> None:
    """Let a pin show this snapshot from now on."""
    pin._snapshot = snapshot
    pin.__dict__ = snapshot.settings.__dict__  # pyright: ignore[reportAttributeAccessIssue] # it takes an instance's __dict__ for a class's
    pin.__class__ = Pin


def forget(pin: Pin[M]) -> None:
    """Let a live pin take its snapshot anew at the next read."""
    pin.__class__ = _Live
    pin.__dict__ = {}
    with suppress(AttributeError):
        del pin._snapshot


def outer(pin: Pin[M]) -> Pin[M] | None:
    """The pin that this one hides."""
    return pin._outer


def shown(pin: Pin[M]) -> Snapshot[M]:
    """The snapshot that a pin shows; an unread one takes it now."""
    return pin._snapshot


def taken(pin: Pin[M]) -> Snapshot[M] | None:
    """The snapshot that a pin shows; `None` if it has not taken one."""
    try:
        found: Snapshot[M] = object.__getattribute__(pin, "_snapshot")
    except AttributeError:
        return None
    return found


def origin(pin: Pin[M]) -> Callable[[], Snapshot[M]]:
    """Where a pin takes its snapshot from, whatever a test puts on top."""
    cover = pin._cover
    return pin._source if cover is None else cover.plain._source


# --- what a test puts on top ------------------------------------------------------------------


class Ground(Protocol[M]):
    """What knows the pins that tests cover."""

    def base(self, plain: Pin[M]) -> Snapshot[M]:
        """What a pin shows; nothing begins for it."""
        ...

    def follow(self, pin: Pin[M]) -> None:
        """Forget what this pin shows whenever what is live was replaced."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Cover(Generic[M]):
    """What a covered pin is made of: the pin beneath, and the layers on top of it."""

    plain: Pin[M]
    layers: Layers[M]
    ground: Ground[M]

    def snapshot(self) -> Snapshot[M]:
        """What the covered pin shows."""
        return self.layers.over(self.ground.base(self.plain))


def covering(pin: Pin[M]) -> Cover[M] | None:
    """What covers a pin, if anything does."""
    return pin._cover


def covered(plain: Pin[M], layers: Layers[M], ground: Ground[M]) -> Pin[M]:
    """A pin that shows what `plain` shows, with layers on top.

    It takes its snapshot at the first read; if `plain` follows what is live, it does so as well.
    """
    cover = Cover(plain, layers, ground)
    pin = live(cover.snapshot)
    pin._outer, pin._cover = plain._outer, cover
    if pin._outer is None:
        ground.follow(pin)
    return pin


def enter(current: ContextVar[Pin[M]], source: Callable[[], Snapshot[M]]) -> bool:
    """Let an app context have a pin of its own; whether a test covers it."""
    before = current.get()
    pin = unread(source, before)
    cover = before._cover
    if cover is None:
        current.set(pin)
        return False
    current.set(covered(pin, cover.layers, cover.ground))
    return True


def leave(current: ContextVar[Pin[M]]) -> None:
    """Show again what was shown before an app context, under what covers it now."""
    top = current.get()
    before = top._outer
    if before is not None:
        uncovered = top._cover is before._cover is None
        current.set(before if uncovered else under(before, top))


def under(pin: Pin[M], top: Pin[M]) -> Pin[M]:
    """A pin, covered as `top` is: layers outlast the contexts in which they began."""
    now, then = top._cover, pin._cover
    if (now and now.layers) is (then and then.layers):
        return pin
    plain = pin if then is None else then.plain
    return plain if now is None else covered(plain, now.layers, now.ground)


def proxy(model: type[M], current: ContextVar[Pin[M]]) -> M:
    """An object that shows the settings of the current context, and passes for one of them.

    It has a property for each attribute of the model instead of a `__getattr__`, which would make
    each read of a field twice as slow on Python 3.12 and later.
    """

    def settings() -> M:
        return current.get()._snapshot.settings

    names: dict[str, Any] = {  # Any: a class namespace
        name: _forward(settings, name) for name in dir(model) if not name.startswith("_")
    }
    names |= {
        name: _forward(settings, name) for name in dir(model) if name.startswith("__pydantic_")
    }
    names |= {name: _field(current, name) for name in model.model_fields}
    names |= _special(model, settings)
    return cast("M", type(f"current_settings[{model.__name__}]", (), {"__slots__": (), **names})())


def _field(current: ContextVar[Pin[M]], name: str) -> property:
    # A plain one-argument function reading a global is the form that CPython inlines best.
    getter = eval(f"lambda self: get().{name}", {"get": current.get})  # noqa: S307 - name is a field's, which is a checked identifier
    return property(cast("FunctionType", getter))


def _forward(settings: Callable[[], M], name: str) -> property:
    if name in {"model_fields", "model_computed_fields"} or name.startswith("__pydantic_"):
        # Asked of an instance, Pydantic warns about the first two.
        return property(lambda _: _either(settings(), name))
    return property(lambda _: getattr(settings(), name))


def _either(settings: WaffleModel, name: str) -> object:
    found: object = getattr(type(settings), name, None)
    return found if not hasattr(found, "__get__") else getattr(settings, name)


_OURS = frozenset(
    f"__{name}__"
    for name in (
        *("class", "class_getitem", "del", "delattr", "dict", "doc", "eq", "getattr", "hash"),
        *("getattribute", "init", "init_subclass", "module", "new", "reduce", "reduce_ex"),
        *("setattr", "slots", "annotations", "qualname", "weakref", "getstate", "setstate"),
        *("get_pydantic_core_schema", "get_pydantic_json_schema", "annotate", "signature"),
        *("annotate_func", "annotations_cache", "firstlineno", "static_attributes"),
        *("parameters", "orig_bases", "abstractmethods", "getnewargs", "waffle_facts"),
    )
)
"""Special names that the proxy defines itself, or must not pass on."""


def _special(model: type[M], settings: Callable[[], M]) -> dict[str, object]:
    """The methods that Python looks for on the class, not on the instance."""

    def refuse(_: object, name: str, __: object = None) -> None:
        raise AttributeError(
            f"{model.__name__}.{name} is read-only here: change it with update({name}=...)"
        )

    found: dict[str, object] = {
        name: _method(settings, name)
        for base in model.__mro__
        for name, value in vars(base).items()
        if base is not object
        and name.startswith("__")
        and name.endswith("__")
        and not name.startswith("__pydantic_")
        and name not in _OURS
        and callable(value)
    }
    return found | {
        "__class__": property(lambda _: model),
        "__dict__": property(lambda _: settings().__dict__),
        "__doc__": model.__doc__,
        "__module__": model.__module__,
        "__setattr__": refuse,
        "__delattr__": refuse,
        "__repr__": lambda _: repr(settings()),
        "__str__": lambda _: str(settings()),
        "__eq__": lambda _, other: settings() == other,
        "__hash__": lambda _: hash(settings()),
        "__dir__": lambda _: dir(settings()),
        "__iter__": lambda _: _items(settings()),
        "__reduce_ex__": lambda _, __: (_restored, (settings(),)),
    }


def _method(settings: Callable[[], M], name: str) -> Callable[..., object]:
    def method(_: object, *args: object, **kwargs: object) -> object:
        return getattr(settings(), name)(*args, **kwargs)

    return method


def _items(settings: WaffleModel) -> Iterator[tuple[str, object]]:
    return iter(settings)


def _restored(settings: M) -> M:
    """What a pickled proxy becomes: the settings that it showed."""
    return settings
