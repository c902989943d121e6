"""A pytest plugin: the fixture `waffle_override` and the marker `waffle`. Inert until one is used.

It also lets the contracts show what they compare.

pytest loads it into every suite of an environment, so it imports nothing but pytest.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from typed_waffle import Waffle
    from typed_waffle.override import Override

__all__ = ["WaffleOverride"]

# So that a broken promise shows the values it was broken with.
pytest.register_assert_rewrite("typed_waffle.testing.buses", "typed_waffle.testing.stores")

_OPTION = "waffle"
_HELP = "the Waffle that waffle_override and @pytest.mark.waffle override, as module:name"
_MARKER = (
    "waffle(**fields): show these values during the test, as waffle.override does; "
    "the ini option `waffle` says of which Waffle"
)


class WaffleOverride(Protocol):
    """What the fixture `waffle_override` gives."""

    def __call__(self, **fields: object) -> None:
        """Show these values until the test ends; a later call wins.

        Raises:
            UnknownSetting: The model has no such field.
            InvalidChange: The model refuses the values.
        """
        ...


class Outcome(Protocol):
    """What a wrapper is sent when the hook is done (pluggy's `Result`)."""

    @property
    def excinfo(self) -> object:
        """What was raised, if anything was."""
        ...

    def force_exception(self, exception: BaseException) -> None:
        """Raise this instead."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option that says which `Waffle` is meant."""
    parser.addini(_OPTION, _HELP, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, for `--strict-markers`."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def waffle_override(request: pytest.FixtureRequest) -> Iterator[WaffleOverride]:
    """Override settings from here to the end of the test: `waffle_override(site_name="x")`."""
    waffle = _meant(request.config)
    with ExitStack() as stack:

        def override(**fields: object) -> None:
            stack.enter_context(waffle.override(**fields))

        yield override


# The older form of wrappers, for every pytest that is about. The last of them to begin: what is
# raised here is then an error of the setup to all others.
@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Outcome, None]:
    """Begin what the markers say before the fixtures, and again on top of what these began."""
    fields = _marked(item)
    if not fields:
        yield
        return
    override = _meant(item.config).override(**fields)
    stack = item.stash[_entered] = ExitStack()
    stack.enter_context(override)
    _hand_on(item, override, stack)
    outcome = yield
    if outcome.excinfo is None:
        try:
            override.__exit__(None, None, None)
            override.__enter__()
            _refresh(item)
        except Exception as error:  # noqa: BLE001 - the test shows it, as any of its setup
            outcome.force_exception(error)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, None]:
    """End it, after the fixtures."""
    yield
    stack = item.stash.get(_entered, None)
    if stack is not None:
        stack.close()


_entered = pytest.StashKey[ExitStack]()
_CONTEXT = "_asyncioTestContext"
"""Where an `IsolatedAsyncioTestCase` keeps the context in which all its methods run."""


def _hand_on(item: pytest.Item, override: Override[Any], stack: ExitStack) -> None:  # Any: as below
    """Let a test see its markers that runs in a context which was made before they began."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        stack.callback(setattr, item, "obj", item.obj)
        item.obj = override(item.obj)
    case: object = getattr(item, "instance", None)
    context: object = getattr(case, _CONTEXT, None)
    if isinstance(context, Context):
        stack.callback(setattr, case, _CONTEXT, context)
        _refresh(item)


def _refresh(item: pytest.Item) -> None:
    """Give such a case a context that has all that is in force now."""
    case: object = getattr(item, "instance", None)
    if isinstance(getattr(case, _CONTEXT, None), Context):
        setattr(case, _CONTEXT, copy_context())


def _marked(item: pytest.Item) -> dict[str, object]:
    """The fields of all markers of a test, the nearest marker first."""
    fields: dict[str, object] = {}
    for marker in item.iter_markers(_OPTION):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.waffle takes settings by name, as waffle(site_name='x'): "
                f"{len(marker.args)} given without"
            )
        fields = {**marker.kwargs, **fields}
    return fields


def _meant(config: pytest.Config) -> Waffle[Any]:  # Any: of any model
    """The `Waffle` that the option names."""
    from typed_waffle import Waffle  # noqa: PLC0415 - only where it is used

    name: str = config.getini(_OPTION)
    if not name:
        raise pytest.UsageError(
            "waffle_override and @pytest.mark.waffle need to know the Waffle that they override: "
            "set the ini option `waffle`, as in `waffle = shop.settings:waffle`"
        )
    try:
        found: object = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(
            f"the ini option waffle = {name} cannot be imported: {error}"
        ) from error
    if not isinstance(found, Waffle):
        raise pytest.UsageError(
            f"the ini option waffle = {name} names a {type(found).__name__}, not a Waffle"
        )
    return found
