"""The Python matrix; versions are written once, in pyproject.toml."""

import re
import shutil
from pathlib import Path

import nox
from nox.project import load_toml, python_versions

PROJECT = load_toml("pyproject.toml")
ROOT = Path(__file__).parent
CONSTRAINTS = ROOT / "constraints.txt"

nox.options.sessions = ["tests"]


def run_tests(session: nox.Session) -> None:
    """Run the tests on the installed wheel, with the package's source out of the way."""
    house = Path(session.create_tmp()) / "house"
    shutil.rmtree(house, ignore_errors=True)
    skipped = shutil.ignore_patterns(".*", "__pycache__", "_build", "dist", "typed_waffle")
    shutil.copytree(ROOT, house, ignore=skipped)
    session.chdir(house)
    session.run("python", "-m", "pytest", *session.posargs)


def lower_bounds() -> list[str]:
    """Return what is required, and what `env` adds, at the lowest supported versions."""
    extras = PROJECT["project"]["optional-dependencies"]
    lines = [*PROJECT["project"]["dependencies"], *extras["env"]]
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


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows."""
    bounds = lower_bounds()
    # pydantic pins pydantic_core exactly.
    free = {re.split("[=<>!~]", bound)[0].lower() for bound in bounds} | {"pydantic_core"}
    pins = constraints_but(free, Path(session.create_tmp()) / "constraints.txt")
    session.install(".[dev]", *bounds, "-c", str(pins))
    run_tests(session)


@nox.session
def check(session: nox.Session) -> None:
    """Run every check that is not a test."""
    session.run("make", "check", external=True)
