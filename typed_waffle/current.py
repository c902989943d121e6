"""The typed proxy `current_settings`.

Speed decides the form: a read of a field is one property, one `ContextVar.get`, and one attribute
of the pin that it holds.
"""

# Underscored, so that no field can hide it.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from typed_waffle.model import M, WaffleModel
from typed_waffle.pins import Pin

if TYPE_CHECKING:
    from types import FunctionType

__all__ = ["proxy"]


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
