"""Pins: what keeps one snapshot for a context.

The `__dict__` of a pin is the very `__dict__` of the settings that it shows, so that to read one is
an ordinary attribute: no lookup of ours, no lock, no I/O. A pin that was not read yet is of another
class, which has a property for each field: it takes the snapshot at the first read, and the pin
turns into a plain one.
"""

# Underscored, so that no field can hide them; they are this module's own.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from typed_waffle.layers import Layers
from typed_waffle.model import M
from typed_waffle.snapshot import Snapshot
from typed_waffle.surroundings import loading

__all__ = [
    "Cover",
    "Ground",
    "Pin",
    "Pins",
    "covering",
    "forget",
    "origin",
    "passing",
    "show",
    "shown",
    "taken",
]


class Pin(Generic[M]):
    """One context's view: a snapshot, shown attribute by attribute.

    It has no methods: a field may have any name that does not begin with an underscore.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_context",
        "_cover",
        "_first",
        "_forgotten",
        "_outer",
        "_snapshot",
        "_source",
        "_unread",
    )

    _context: object | None
    _cover: Cover[M] | None
    _first: list[Snapshot[M]]
    _forgotten: object
    _outer: Pin[M] | None
    _snapshot: Snapshot[M]
    _source: Callable[[], Snapshot[M]]
    _unread: type[Pin[M]]


passing: ContextVar[bool] = ContextVar("typed_waffle_passing", default=False)
"""Whether a worker begins in this context: what is read then is for this moment only."""

_slot: Any = Pin.__dict__["_snapshot"]  # Any: a slot, which the classes of unread pins hide


def show(pin: Pin[M], snapshot: Snapshot[M]) -> None:
    """Let a pin show this snapshot from now on."""
    _slot.__set__(pin, snapshot)
    pin.__dict__ = snapshot.settings.__dict__  # pyright: ignore[reportAttributeAccessIssue] # it takes an instance's __dict__ for a class's
    pin.__class__ = Pin


def forget(pin: Pin[M]) -> None:
    """Let a live pin take its snapshot anew at the next read."""
    pin._forgotten = object()  # first, so that a read that is under way notices
    pin.__class__ = pin._unread


def shown(pin: Pin[M]) -> Snapshot[M]:
    """The snapshot that a pin shows; an unread one takes it now."""
    return pin._snapshot


def taken(pin: Pin[M]) -> Snapshot[M] | None:
    """The snapshot that a pin shows; `None` if it has not taken one."""
    return pin._snapshot if type(pin) is Pin else None


def origin(pin: Pin[M]) -> Callable[[], Snapshot[M]]:
    """Where a pin takes its snapshot from, whatever a test puts on top."""
    cover = pin._cover
    return pin._source if cover is None else cover.plain._source


def covering(pin: Pin[M]) -> Cover[M] | None:
    """What covers a pin, if anything does."""
    return pin._cover


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


class Pins(Generic[M]):
    """Makes the pins of one model, and knows the current context's."""

    current: ContextVar[Pin[M]]
    """The pin of the current context; outside of any, the one for what is live."""
    outside: Pin[M]
    """What `current` is outside of any context."""

    def __init__(self, model: type[M], source: Callable[[], Snapshot[M]]) -> None:
        self._once = _unread(model, "Once", _once)
        self._following = _unread(model, "Following", _following)
        self.outside = self.live(source)
        self.current = ContextVar("typed_waffle", default=self.outside)

    def once(
        self,
        source: Callable[[], Snapshot[M]],
        before: Pin[M] | None = None,
        context: object | None = None,
    ) -> Pin[M]:
        """A pin that takes its snapshot from `source` at the first read; it hides `before`.

        It is of an app context, if one is given.
        """
        pin = self._once()
        pin._source = source
        pin._outer = before
        pin._context = context
        pin._cover = None
        pin._first = []
        return pin

    def live(self, source: Callable[[], Snapshot[M]]) -> Pin[M]:
        """A pin for what is live: whoever makes a newer snapshot live shows it here."""
        pin = self._following()
        pin._unread = self._following
        pin._forgotten = None
        pin._source = source
        pin._outer = pin._context = pin._cover = None
        return pin

    # --- app contexts -------------------------------------------------------------------------

    def enter(self, source: Callable[[], Snapshot[M]], context: object) -> bool:
        """Let an app context have a pin of its own; whether a test covers it."""
        current = self.current
        before = current.get()
        if before._outer is not None:
            before = self.lasting(before)
        pin = self.once(source, before, context)
        cover = before._cover
        if cover is None:
            current.set(pin)
            return False
        current.set(self.covered(pin, cover.layers, cover.ground))
        return True

    def leave(self) -> None:
        """Show again what was shown before an app context, under what covers it now."""
        current = self.current
        top = current.get()
        before = top._outer
        if before is None:
            return
        if before._outer is None and top._cover is before._cover is None:  # most contexts
            current.set(before)
            return
        last = self.lasting(top)
        if last is top:  # it was pushed twice, so it goes on
            while _plain(last)._context is None and last._outer is not None:
                last = last._outer
            last = last._outer or last
        current.set(self.under(last, top))

    def lasting(self, top: Pin[M]) -> Pin[M]:
        """The pin to go back to, covered as `top` is.

        A context that has ended takes with it what was pinned in it. It need not have told: Flask
        sends no signal if a teardown function raised; and a generator may hold on to a pin.
        """
        last, pin = top, top
        while pin._outer is not None:
            if _ended(_plain(pin)._context):
                last = pin._outer
            pin = pin._outer
        return self.under(last, top)

    def holds(self, pin: Pin[M]) -> bool:
        """Whether a pin is shown in this context, or hidden by others."""
        found: Pin[M] | None = self.current.get()
        while found is not None and _plain(found) is not pin:
            found = found._outer
        return found is not None

    def inherited(self) -> None:
        """Let app contexts that go on over a fork read anew; what was pinned in them stays."""
        pin = self.current.get()
        while pin._outer is not None:
            plain = _plain(pin)
            if plain._context is not None:
                plain._first = []
                plain.__class__ = self._once
                if pin is not plain:
                    forget(pin)
            pin = pin._outer

    def renew(self, newest: Snapshot[M]) -> None:
        """Show a newer snapshot in this context: by all that is pinned in it, and by its own pin.

        What is live was shown when it became so.
        """
        pin = self.current.get()
        while pin._outer is not None:
            plain = _plain(pin)
            plain._first.insert(0, newest)  # its first read may be under way elsewhere
            show(plain, newest)
            if pin is not plain:
                forget(pin)
            if plain._context is not None:
                return
            pin = pin._outer

    # --- what a test puts on top --------------------------------------------------------------

    def covered(self, plain: Pin[M], layers: Layers[M], ground: Ground[M]) -> Pin[M]:
        """A pin that shows what `plain` shows, with layers on top.

        It takes its snapshot at the first read; if `plain` follows what is live, so does it.
        """
        cover = Cover(plain, layers, ground)
        pin = self.live(cover.snapshot)
        pin._outer, pin._cover = plain._outer, cover
        if pin._outer is None:
            ground.follow(pin)
        return pin

    def under(self, pin: Pin[M], top: Pin[M]) -> Pin[M]:
        """A pin, covered as `top` is: layers outlast the contexts in which they began."""
        now, then = top._cover, pin._cover
        if (now and now.layers) is (then and then.layers):
            return pin
        plain = pin if then is None else then.plain
        return plain if now is None else self.covered(plain, now.layers, now.ground)


def _plain(pin: Pin[M]) -> Pin[M]:
    cover = pin._cover
    return pin if cover is None else cover.plain


def _ended(context: object | None) -> bool:
    """Whether an app context was popped; one that does not show it is taken to go on."""
    for name in ("_cv_tokens", "_cv_token"):  # Flask's own: nothing public tells
        if hasattr(context, name):
            return not getattr(context, name)
    return False


# --- the first read -----------------------------------------------------------------------------


def _unread(model: type[M], name: str, asked: Callable[[str], object]) -> type[Pin[M]]:
    """A class of pins that were not read yet: `asked` makes what answers for each name."""
    # Not by `__getattr__`, for which CPython makes an AttributeError first.
    members = {each: asked(each) for each in ("_snapshot", *model.model_fields)}
    made: type[Pin[M]] = type(name, (Pin,), {"__slots__": (), **members})
    return made


def _once(name: str) -> property:
    def read(pin: Pin[M]) -> object:
        latest = pin._source()
        if passing.get():
            return latest if name == "_snapshot" else getattr(latest.settings, name)
        first = pin._first
        first.append(latest)
        show(pin, wanted := first[0])  # threads that share a context see one snapshot
        while first[0] is not wanted:  # or a newer one, which one of them made
            show(pin, wanted := first[0])
        return getattr(pin, name)

    return property(read)


def _following(name: str) -> property:
    def read(pin: Pin[M]) -> object:
        if passing.get() or loading():  # nobody would replace it
            latest = pin._source()
            return latest if name == "_snapshot" else getattr(latest.settings, name)
        kept: Snapshot[M] | None = None
        forgotten: object = None
        try:
            # Anew until nothing moved: a newer one that was shown meanwhile must not be hidden.
            while True:
                asked = pin._forgotten
                latest = pin._source()
                if latest is kept and asked is forgotten:
                    return getattr(pin, name)
                show(pin, latest)
                kept, forgotten = latest, asked
        except BaseException:
            forget(pin)
            raise

    return property(read)
