"""The pytest plugin, in suites of users that pytest runs in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.suites import pytest_in
from typed_waffle.testing import plugin

pytestmark = pytest.mark.slow

SHOP = """
from pydantic import model_validator
from typed_waffle import NotBound, Waffle, WaffleModel

class Settings(WaffleModel):
    site_name: str = "Waffle"
    page_size: int = 20
    least_page: int = 0

    @model_validator(mode="after")
    def pages(self):
        if self.page_size < self.least_page:
            raise ValueError("page_size is below least_page")
        return self

waffle = Waffle(Settings)

def shown():
    try:
        return waffle.current_settings.site_name, waffle.current_settings.page_size
    except NotBound:
        return "nothing"
"""

INI = """
[pytest]
waffle = shop:waffle
addopts = --strict-markers --strict-config
filterwarnings = error
pythonpath = .
"""

GOOD = """
import asyncio, unittest
from concurrent.futures import ThreadPoolExecutor
import pytest
from shop import shown, waffle

pytestmark = pytest.mark.waffle(site_name="module", page_size=1)

@pytest.fixture
def before():
    return shown()

def test_the_marker_of_the_module_holds_for_fixtures(before):
    assert before == shown() == ("module", 1)

@pytest.mark.waffle(site_name="test")
class TestClass:
    def test_of_the_class(self):
        assert shown() == ("test", 1)

    @pytest.mark.waffle(page_size=5)
    @pytest.mark.waffle(page_size=3)
    def test_the_nearest_wins_for_each_field(self):
        assert shown() == ("test", 3)

class TestCase(unittest.TestCase):
    @pytest.mark.waffle(page_size=4)
    def test_in_a_case(self):
        assert shown() == ("module", 4)

def test_calls_of_the_fixture_stack(waffle_override):
    waffle_override(site_name="one")
    waffle_override(page_size=7)
    assert shown() == ("one", 7)
    waffle_override(site_name="two")
    assert shown() == ("two", 7)

@pytest.mark.waffle(site_name="async")
async def test_a_coroutine_in_any_context():
    await asyncio.sleep(0)
    assert shown() == ("async", 1)

@pytest.mark.parametrize("number", range(12))
def test_of_many(number, waffle_override):
    waffle_override(page_size=number)
    assert shown() == ("module", number)

async def task(number):
    with waffle.override(page_size=number):
        await asyncio.sleep(0)
        assert shown()[1] == number

async def tasks(number):
    await asyncio.gather(*(task(8 * number + n) for n in range(8)))
    return shown()

@pytest.mark.parametrize("turn", range(4))
def test_of_threads_with_tasks(turn):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda n: asyncio.run(tasks(n)), range(8))) == {"nothing"}
    assert asyncio.run(tasks(8)) == shown() == ("module", 1)
"""

RUNNER = """
import asyncio, contextvars, inspect
import pytest
from shop import shown

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        contextvars.Context().run(asyncio.run, pyfuncitem.obj())
        return True
"""

CONFTEST = f"""{RUNNER}
@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    assert shown() == "nothing"
    try:
        return (yield)
    finally:
        assert shown() == "nothing"
"""


def suite(folder: Path, **files: str) -> Path:
    """Write a suite."""
    (folder / "shop.py").write_text(SHOP, encoding="utf-8")
    (folder / "pytest.ini").write_text(files.pop("ini", INI), encoding="utf-8")
    for name, code in files.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    return folder


def test_the_marker_and_the_fixture(tmp_path: Path) -> None:
    """They show values in their test only, and to no thread, task or process but its own."""
    done = pytest_in(suite(tmp_path, test_good=GOOD, conftest=CONFTEST), "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "22 passed" in done.stdout


ORDER = """
import pytest
from shop import shown, waffle

pytestmark = pytest.mark.waffle(site_name="marker")
seen = []

@pytest.fixture(scope="module", autouse=True)
def wide():
    seen.append(shown())
    with waffle.override(site_name="wide", page_size=100):
        yield

@pytest.fixture
def narrow(waffle_override):
    waffle_override(site_name="narrow", page_size=7)
    return shown()

@pytest.mark.parametrize("turn", range(2))
def test_a_wide_fixture_is_beneath_the_marker(turn):
    assert shown() == ("marker", 100)
    assert seen == [("marker", 20)]

def test_a_narrow_fixture_is_beneath_the_marker(narrow):
    assert (narrow, shown()) == (("narrow", 7), ("marker", 7))

@pytest.mark.usefixtures("narrow")
async def test_a_coroutine_in_any_context():
    assert shown() == ("marker", 20)

def test_a_call_in_the_test_wins(narrow, waffle_override):
    waffle_override(site_name="call")
    assert shown() == ("call", 7)

@waffle.override(site_name="decorator")
def test_a_decorator_wins():
    assert shown() == ("decorator", 100)
"""

CASES = """
import unittest
import pytest
from shop import shown, waffle

@pytest.mark.waffle(site_name="class")
class TestAsync(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def fixture(self, waffle_override):
        waffle_override(page_size=5)
        yield
        assert shown() == ("class", 5)

    def setUp(self):
        assert shown() == ("class", 5)

    async def asyncSetUp(self):
        assert shown() == ("class", 5)

    async def asyncTearDown(self):
        assert shown() == ("class", 5)

    async def test_a_coroutine(self):
        assert shown() == ("class", 5)

    def test_a_function(self):
        assert shown() == ("class", 5)

class TestUnmarked(unittest.IsolatedAsyncioTestCase):
    async def test_it_sees_nothing(self):
        assert shown() == "nothing"
"""


def test_the_marker_is_above_what_fixtures_show(tmp_path: Path) -> None:
    """Of whatever scope, in whichever test they run first; while they begin, they see it."""
    done = pytest_in(suite(tmp_path, test_order=ORDER, conftest=RUNNER), "--tb=short")
    assert "6 passed" in done.stdout, done.stdout + done.stderr


def test_the_marker_holds_for_cases_that_copied_the_context(tmp_path: Path) -> None:
    """An `IsolatedAsyncioTestCase` sees it, in all its methods, with what fixtures set."""
    done = pytest_in(suite(tmp_path, test_cases=CASES, conftest=CONFTEST), "--tb=short")
    assert "3 passed" in done.stdout, done.stdout + done.stderr


BAD = """
import pytest

@pytest.mark.waffle(site_nmae="x")
def test_unknown(): ...

@pytest.mark.waffle(page_size="x")
def test_invalid(): ...

@pytest.mark.waffle("x")
def test_positional(): ...

def test_after_them(): ...

def test_unknown_to_the_fixture(waffle_override):
    waffle_override(site_nmae="x")

@pytest.fixture
def least(waffle_override):
    waffle_override(least_page=30, page_size=40)

@pytest.mark.waffle(page_size=25)
def test_invalid_on_top_of_a_fixture(least): ...
"""


def test_what_is_wrong_fails_its_own_test(tmp_path: Path) -> None:
    """A bad name or value fails that test before it runs, with the message of `override`."""
    done = pytest_in(suite(tmp_path, test_bad=BAD), "--tb=short")
    assert "1 failed, 1 passed, 4 errors" in done.stdout
    assert "page_size is below least_page" in done.stdout
    assert done.stdout.count("has no setting 'site_nmae': did you mean 'site_name'?") >= 2
    assert "page_size = 'x' is refused" in done.stdout
    assert "takes settings by name, as waffle(site_name='x'): 1 given without" in done.stdout


def test_a_suite_that_names_no_waffle_is_told_to(tmp_path: Path) -> None:
    """Who uses marker or fixture without the option reads what to set; nobody else is hurt."""
    code = "def test_one(waffle_override): ...\ndef test_two(): ..."
    done = pytest_in(suite(tmp_path, ini="[pytest]", test_it=code), "--tb=short")
    assert "1 passed, 1 error" in done.stdout
    assert "set the ini option `waffle`, as in `waffle = shop.settings:waffle`" in done.stdout


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("typed_wafle:x", "waffle = typed_wafle:x cannot be imported: No module named"),
        ("typed_waffle:waffel", "waffle = typed_waffle:waffel cannot be imported: module"),
        ("typed_waffle:Waffle", "waffle = typed_waffle:Waffle names a type, not a Waffle"),
        ("a b", "waffle = a b cannot be imported: invalid format"),
    ],
)
def test_a_bad_option_says_why(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    """The option must name a `Waffle` that can be imported."""
    with monkeypatch.context() as patch:  # only until pytest itself asks again
        patch.setattr(pytestconfig, "getini", lambda _: name)
        with pytest.raises(pytest.UsageError, match=why):
            plugin._meant(pytestconfig)


def test_it_costs_nothing_to_load() -> None:
    """pytest loads it into every suite, so it brings none of what the package needs."""
    code = (
        "import sys, typed_waffle.testing.plugin as _; "
        "print(*{'flask', 'pydantic', 'sqlalchemy', 'redis'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
