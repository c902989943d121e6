"""Override: values that are shown for a test, in one context, without a store."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from types import FunctionType, TracebackType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from typed_waffle.bindings import Bindings
from typed_waffle.edit import check_alone
from typed_waffle.layers import Layer, Layers
from typed_waffle.model import M
from typed_waffle.pins import covering, shown

__all__ = ["Override"]

D = TypeVar("D", bound=Callable[..., object])
P = ParamSpec("P")
R = TypeVar("R")
Y = TypeVar("Y")
S = TypeVar("S")

_COUNTED = frozenset(("setup_method", "teardown_method"))
"""Methods whose arguments pytest counts in the code itself, whatever the signature says."""

_AROUND = _COUNTED | {"setUp", "tearDown", "asyncSetUp", "asyncTearDown"}
"""Methods of a test class, beside its tests, that run for each test."""


class Override(Generic[M]):
    """Shows some values on top of all others, in one context: `with waffle.override(...):`.

    It is a decorator as well, for functions, coroutines, generators (fixtures) and test classes.
    One object may be entered many times, by several threads and tasks at once, and within itself.
    Where it is entered inside another, the inner one wins.
    """

    def __init__(self, bindings: Bindings[M], model: type[M], fields: Mapping[str, object]) -> None:
        check_alone(model, fields)
        self._bindings = bindings
        self._model = model
        self._fields = fields

    def __repr__(self) -> str:
        return f"<override of {self._model.__qualname__}: {', '.join(self._fields)}>"

    # --- a context manager --------------------------------------------------------------------

    def __enter__(self) -> M:
        return self._begin()[1]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        layers = self._layers()
        self._end(None if layers is None else layers.last_of(self))

    async def __aenter__(self) -> M:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    @contextmanager
    def _entered(self) -> Generator[M, None, None]:
        """As the object itself, but it ends exactly what it began, in whatever order."""
        layer, settings = self._begin()
        try:
            yield settings
        finally:
            self._end(layer)

    def _begin(self) -> tuple[Layer, M]:
        before = self._layers()
        layer = Layer(self, self._fields)
        pin = self._bindings.put_on((before or Layers()).plus(layer))
        try:
            return layer, shown(pin).settings
        except BaseException:
            self._bindings.put_on(before)
            raise

    def _end(self, layer: Layer | None) -> None:
        layers = self._layers()
        # It began in another context if it is not here, and nothing is to be undone.
        if layer is not None and layers is not None and layers.holds(layer):
            self._bindings.put_on(layers.without(layer))

    def _layers(self) -> Layers[M] | None:
        cover = covering(self._bindings.pins.current.get())
        return None if cover is None else cover.layers

    # --- a decorator --------------------------------------------------------------------------

    def __call__(self, decorated: D) -> D:
        """Show the values while what is decorated runs: each call, or each test of a class.

        A coroutine keeps them over its awaits, and a generator until its end: whoever iterates
        over it sees them as well, as the test of a fixture does.
        """
        if not callable(decorated):
            raise TypeError(
                f"override cannot decorate {decorated!r}: give it a function or a test class"
            )
        if isinstance(decorated, type):
            self._decorate(decorated)
            return cast("D", decorated)
        if isinstance(decorated, staticmethod):
            return cast("D", staticmethod(self._wrapped(decorated.__func__)))
        if type(decorated).__name__ == "FixtureFunctionDefinition":
            raise TypeError("override must stand below @pytest.fixture, next to the function")
        return cast("D", self._wrapped(decorated))

    def _decorate(self, tests: type[object]) -> None:
        found = 0
        for name in dir(tests):
            test = name.startswith("test")
            method = inspect.getattr_static(tests, name)
            kind = type(method) if isinstance(method, (staticmethod, classmethod)) else None
            function: object = method.__func__ if kind is not None else method
            if not (test or name in _AROUND) or not isinstance(function, FunctionType):
                continue
            wrapped = self._wrapped(function)
            if name in _COUNTED:
                wrapped = _counted(wrapped, function)
            setattr(tests, name, wrapped if kind is None else kind(wrapped))
            found += test
        if not found:
            raise TypeError(
                f"override finds no test in {tests.__qualname__}: the name of a test begins with "
                "'test'. Decorate a function, or use `with`"
            )

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., object]:  # Any: any function
        if inspect.isasyncgenfunction(function):
            return _async_generator(self._entered, function)
        if inspect.iscoroutinefunction(function):
            return _coroutine(self._entered, function)
        if inspect.isgeneratorfunction(function):
            return _generator(self._entered, function)
        return _function(self._entered, function)


Entered = Callable[[], Any]  # Any: a context manager of any settings


def _function(entered: Entered, function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with entered():
            return function(*args, **kwargs)

    return wrapper


def _counted(wrapped: Callable[..., object], function: FunctionType) -> Callable[..., object]:
    @functools.wraps(function)
    def alone(case: object) -> object:
        return wrapped(case)

    @functools.wraps(function)
    def told(case: object, method: object) -> object:
        return wrapped(case, method)

    return alone if function.__code__.co_argcount == 1 else told


def _coroutine(
    entered: Entered, function: Callable[P, Coroutine[Any, Any, R]]
) -> Callable[P, Coroutine[Any, Any, R]]:  # Any: as asyncio has it
    @functools.wraps(function)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with entered():
            return await function(*args, **kwargs)

    return wrapper


def _generator(
    entered: Entered, function: Callable[P, Generator[Y, S, R]]
) -> Callable[P, Generator[Y, S, R]]:
    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Generator[Y, S, R]:
        with entered():
            return (yield from function(*args, **kwargs))

    return wrapper


def _async_generator(
    entered: Entered, function: Callable[P, AsyncGenerator[Y, S | None]]
) -> Callable[P, AsyncGenerator[Y, S | None]]:
    @functools.wraps(function)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Y, S | None]:
        with entered():
            inner = function(*args, **kwargs)
            step = inner.__anext__()
            while True:  # what `yield from` does, which there is not for these
                try:
                    value = await step
                except StopAsyncIteration:
                    return
                try:
                    sent = yield value
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - whatever is thrown in goes on
                    step = inner.athrow(error)
                else:
                    step = inner.asend(sent)

    return wrapper
