"""`Waffle.override` as a decorator: of functions, coroutines, generators and test classes."""

import asyncio
import inspect
import unittest
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from tests.support.apps import Settings
from typed_waffle import NotBound, UnknownSetting, Waffle
from typed_waffle.testing.load import together

waffle = Waffle(Settings)
current_settings = waffle.current_settings
coned = waffle.override(name="Cone")


def name() -> str:
    """The name that is shown, or nothing."""
    try:
        return current_settings.name
    except NotBound:
        return "nothing"


# --- functions ----------------------------------------------------------------------------------


@coned
def told(before: str, *, after: str = "!") -> str:
    """Tell the name."""
    return before + name() + after


def test_a_function_runs_inside() -> None:
    """The values hold during each call, also in many threads at once, and within itself."""
    assert told("a ") == "a Cone!"
    together(*[lambda: told("")] * 8)

    @coned
    def countdown(left: int) -> list[str]:
        return [name(), *(countdown(left - 1) if left else [])]

    assert countdown(2) == ["Cone"] * 3
    assert name() == "nothing"


def test_what_it_decorates_looks_the_same() -> None:
    """Name, text and signature stay, so that pytest finds the fixtures that are asked for."""
    assert (told.__name__, told.__doc__) == ("told", "Tell the name.")
    assert list(inspect.signature(told).parameters) == ["before", "after"]


def test_an_exception_comes_out() -> None:
    """What a function raises goes on, and nothing stays."""

    @coned
    def fail() -> None:
        raise KeyError(name())

    with pytest.raises(KeyError, match="Cone"):
        fail()
    assert name() == "nothing"


def test_they_stack() -> None:
    """The nearest to the function is the innermost, which wins."""

    @waffle.override(name="outer", low=1)
    @waffle.override(name="inner")
    def shown() -> tuple[str, int]:
        return current_settings.name, current_settings.low

    assert shown() == ("inner", 1)


# --- coroutines and generators ------------------------------------------------------------------


def test_a_coroutine_keeps_it_over_its_awaits() -> None:
    """It holds while the coroutine waits, and others that run meanwhile see nothing of it."""

    @coned
    async def wait() -> list[str]:
        before = name()
        await asyncio.sleep(0)
        return [before, name()]

    async def other() -> str:
        await asyncio.sleep(0)
        return name()

    async def main() -> list[Any]:
        return [*await asyncio.gather(wait(), other(), wait()), name()]

    assert inspect.iscoroutinefunction(wait)
    assert asyncio.run(main()) == [["Cone"] * 2, "nothing", ["Cone"] * 2, "nothing"]


def test_a_generator_keeps_it_until_its_end() -> None:
    """As a fixture must: whoever holds it at a `yield` sees the values as well."""

    @coned
    def conversation() -> Generator[str, str, str]:
        answer = ""
        try:
            answer = yield name()
        except KeyError:
            answer = yield "caught"
        return answer + name()

    assert inspect.isgeneratorfunction(conversation)
    made = conversation()
    assert name() == "nothing"
    assert [next(made), name()] == ["Cone", "Cone"]
    with pytest.raises(StopIteration) as ended:
        made.send("the end of ")
    assert (ended.value.value, name()) == ("the end of Cone", "nothing")
    made = conversation()
    next(made)
    assert made.throw(KeyError()) == "caught"
    made.close()
    assert name() == "nothing"


def test_an_async_generator_keeps_it_until_its_end() -> None:
    """As above: what is sent, thrown and returned goes through, and closing it ends it."""
    events: list[str] = []

    @coned
    async def conversation() -> AsyncGenerator[str, str]:
        try:
            events.append((yield name()))
            yield name()
        except KeyError:
            yield "caught"
        finally:
            events.append(f"end of {name()}")

    async def main() -> None:
        made = conversation()
        assert [await anext(made), name()] == ["Cone", "Cone"]
        assert await made.asend("sent") == "Cone"
        assert await made.athrow(KeyError()) == "caught"
        with pytest.raises(StopAsyncIteration):
            await anext(made)
        assert name() == "nothing"
        made = conversation()
        await anext(made)
        await made.aclose()
        assert name() == "nothing"

    assert inspect.isasyncgenfunction(conversation)
    asyncio.run(main())
    assert events == ["sent", "end of Cone", "end of Cone"]


@pytest.fixture
@coned
def shop() -> Iterator[str]:
    before = name()
    yield before
    assert name() == "Cone"


def test_a_fixture_shows_it_to_its_test(shop: str) -> None:
    """A decorated fixture holds from its beginning to its end."""
    assert (shop, name()) == ("Cone", "Cone")
    with waffle.override(name="inner"):
        assert name() == "inner"


# --- classes ------------------------------------------------------------------------------------


@coned
class TestPlain:
    """A class as pytest collects it."""

    def setup_method(self) -> None:
        assert name() == "Cone"

    def teardown_method(self, method: Callable[[], None]) -> None:
        assert method.__name__.startswith("test_a_")
        assert name() == "Cone"

    def test_a_method(self, shop: str) -> None:
        """A test of a decorated class runs inside, and may ask for fixtures."""
        assert (shop, name()) == ("Cone", "Cone")

    @staticmethod
    def test_a_static_method() -> None:
        """A static method as well."""
        assert name() == "Cone"

    @classmethod
    def test_a_class_method(cls) -> None:
        """And a class method."""
        assert name() == "Cone"

    def helper(self) -> str:
        return name()


def test_only_tests_are_decorated() -> None:
    """Other methods are left alone."""
    assert TestPlain().helper() == "nothing"


class Base(unittest.TestCase):
    """Tests that a class inherits."""

    names: list[str] = []  # noqa: RUF012 - each test adds to it

    def test_inherited(self) -> None:
        self.names.append(name())


@coned
class Cases(Base):
    """A `TestCase`."""

    names: list[str] = []  # noqa: RUF012 - as above

    def setUp(self) -> None:
        self.names.append(name())

    def tearDown(self) -> None:
        self.names.append(name())

    def test_own(self) -> None:
        self.names.append(name())


@coned
class AsyncCases(unittest.IsolatedAsyncioTestCase):
    """A `TestCase` of coroutines, which runs them in a context of its own."""

    names: list[str] = []  # noqa: RUF012 - as above

    async def asyncSetUp(self) -> None:
        self.names.append(name())

    async def asyncTearDown(self) -> None:
        self.names.append(name())

    async def test_own(self) -> None:
        await asyncio.sleep(0)
        self.names.append(name())


@pytest.mark.parametrize(("cases", "count"), [(Cases, 6), (AsyncCases, 3)])
def test_a_test_case(cases: type[Cases | AsyncCases], count: int) -> None:
    """Each test of it runs inside, inherited ones too, with its `setUp` and `tearDown`."""
    cases.names.clear()
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(cases).run(result)
    assert result.wasSuccessful(), result.errors
    assert cases.names == ["Cone"] * count


def test_the_base_of_a_decorated_class_is_left_alone() -> None:
    """Inherited tests are decorated in the class itself."""
    Base.names.clear()
    unittest.defaultTestLoader.loadTestsFromTestCase(Base).run(unittest.TestResult())
    assert Base.names == ["nothing"]


# --- what is refused ----------------------------------------------------------------------------


def test_a_class_without_tests_is_refused() -> None:
    """Nothing would be decorated, so it says what it takes."""

    class Helper:
        def help(self) -> None: ...

    with pytest.raises(TypeError, match=r"finds no test in .*Helper: the name of a test begins"):
        coned(Helper)


def test_a_static_method_stays_one() -> None:
    """In whichever order the two decorators are."""

    class Shop:
        @coned
        @staticmethod
        def one() -> str:
            return name()

        @staticmethod
        @coned
        def other() -> str:
            return name()

    assert [Shop().one(), Shop().other(), Shop.one()] == ["Cone"] * 3


def test_a_fixture_that_is_made_already_is_refused() -> None:
    """pytest would not find it any more."""
    with pytest.raises(TypeError, match=r"must stand below @pytest\.fixture"):

        @coned
        @pytest.fixture
        def never() -> None: ...


@pytest.mark.parametrize("wrong", ["name", None, staticmethod])
def test_what_cannot_be_called_is_refused(wrong: Any) -> None:  # noqa: ANN401 - the point
    """A decorator that is used the wrong way round says so."""
    with pytest.raises(TypeError, match="override"):
        coned(wrong)


def test_a_wrong_name_is_refused_where_it_is_written() -> None:
    """Not when the function is called, but when it is decorated."""
    with pytest.raises(UnknownSetting, match="did you mean 'name'"):

        @waffle.override(nmae="Cone")  # type: ignore[waffle-unknown] # that is the case
        def never() -> None: ...


def test_async_iteration() -> None:
    """`async for` over a decorated generator."""

    @coned
    async def names() -> AsyncIterator[str]:
        for _ in range(2):
            yield name()

    async def main() -> list[str]:
        return [one async for one in names()]

    assert asyncio.run(main()) == ["Cone", "Cone"]
