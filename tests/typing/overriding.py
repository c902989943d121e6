"""What both type checkers know of `Waffle.override`, without a plugin."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, assert_type

from typed_waffle import Waffle, WaffleModel
from typed_waffle.override import Override


class Settings(WaffleModel):
    """Two settings."""

    site_name: str = "Waffle"
    page_size: int = 20


waffle = Waffle(Settings)
override = waffle.override(site_name="Cone")
assert_type(override, Override[Settings])

# --- a context manager ----------------------------------------------------------------------------

with override as settings:
    assert_type(settings, Settings)
    assert_type(settings.page_size, int)
    settings.page_size = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def returning() -> int:
    """It hides no exception, so nothing has to follow the block."""
    with override:
        return 1


async def main() -> None:
    """The same with `async with`."""
    async with override as shown:
        assert_type(shown, Settings)


# --- a decorator ----------------------------------------------------------------------------------


@override
def function(name: str, *, times: int = 1) -> list[str]:
    """Keep the signature."""
    return [name] * times


assert_type(function("a", times=2), list[str])
function(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@waffle.override(site_name="Cone", page_size=5)
async def coroutine(name: str) -> int:
    """Stay a coroutine function."""
    return len(name)


checked: Callable[[str], Coroutine[Any, Any, int]] = coroutine


@override
def fixture() -> Iterator[str]:
    """Stay a generator function."""
    yield "a"


@override
async def async_fixture() -> AsyncIterator[str]:
    """Stay an asynchronous one."""
    yield "a"


assert_type(fixture(), Iterator[str])
assert_type(async_fixture(), AsyncIterator[str])


@override
class TestShop:
    """Stay a class."""

    @override
    def test_name(self, name: str) -> None:
        """Keep the signature of a method."""

    def test_more(self) -> None:
        """Take what was decorated."""
        self.test_name("a")
        self.test_name(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


assert_type(TestShop(), TestShop)

# --- what is refused ------------------------------------------------------------------------------

override("site_name")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
override()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
waffle.override("site_name")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
waffle.override(Settings())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@waffle.override  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue, reportUntypedFunctionDecorator]
def undecorated() -> None:
    """It must be called first."""
