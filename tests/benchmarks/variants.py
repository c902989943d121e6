"""Ways to write a typed proxy, compared: `python -m tests.benchmarks.variants`.

Each is an object with one setting that shows what a `ContextVar` holds. Which is the fastest
depends on what CPython's specialising interpreter can see through.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import cast

from tests.benchmarks.rounds import measured, median, ratio, timer
from tests.benchmarks.shop import Settings

__all__ = ["show"]

READS, ROW = 8_000, 50

PLAIN = "plain attribute of the frozen model"


class _Pin:
    """An object whose attributes are those of the settings it shows."""

    __slots__ = ("__dict__", "settings")

    settings: Settings
    site_name: str


_pin = _Pin()
_pin.settings = _plain = Settings()
_pin.__dict__ = _plain.__dict__
_shown: ContextVar[_Pin] = ContextVar("shown", default=_pin)
_get = _shown.get


def _of(**members: object) -> object:
    return type("Proxy", (), {"__slots__": (), **members})()


def _property(getter: Callable[[object], object]) -> object:
    return _of(site_name=property(getter))


def _closure(get: Callable[[], _Pin]) -> object:
    return _property(lambda _: get().site_name)


class _Descriptor:
    def __get__(self, _: object, __: object) -> object:
        return _get().site_name


def _evaluated(code: str) -> Callable[[object], object]:
    return cast("Callable[[object], object]", eval(code, {"get": _get, "shown": _shown}))  # noqa: S307 - ours, below


VARIANTS: dict[str, object] = {
    "property, one argument, reading globals": _property(
        _evaluated("lambda self: get().site_name")
    ),
    "the same with a default argument": _property(
        _evaluated("lambda self, get=get: get().site_name")
    ),
    "the same as a closure": _closure(_get),
    "the same, asking the ContextVar by name": _property(
        _evaluated("lambda self: shown.get().site_name")
    ),
    "the same, through the pin to the settings": _property(
        _evaluated("lambda self: get().settings.site_name")
    ),
    "a descriptor of a class of its own": _of(site_name=_Descriptor()),
    "__getattr__": _of(__getattr__=lambda _, name: getattr(_get(), name)),
    "property, and a __getattr__ that is never called": _of(
        site_name=property(_evaluated("lambda self: get().site_name")),
        __getattr__=lambda _, name: getattr(_get(), name),
    ),
}


def show() -> None:
    """Print the table."""
    objects = {PLAIN: _plain, **VARIANTS}
    rounds = measured(
        {
            name: timer("it.site_name", {"it": it}, READS, in_turn=ROW)
            for name, it in objects.items()
        }
    )
    print(f"\nWays to write the proxy, reads in a row: medians of {len(rounds[PLAIN])} rounds")
    for name in rounds:
        print(f"{name:<50}{median(rounds, name):>10.1f} ns{ratio(rounds, name, PLAIN):>8.2f}")


if __name__ == "__main__":
    show()
