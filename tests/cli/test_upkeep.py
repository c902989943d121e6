"""`prune` and `rotate-keys`, as an operator runs them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from cryptography.fernet import Fernet
from flask import Flask

from tests.support.worker import Settings
from typed_waffle import Waffle
from typed_waffle.cli import waffle as group


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[tuple[Flask, Waffle[Settings]]]:
    """An application whose settings can be encrypted."""
    app, waffle = Flask("shop"), Waffle(Settings)
    app.config["WAFFLE_DATABASE_URL"] = f"sqlite:///{tmp_path / 'waffle.db'}"
    app.config["WAFFLE_ENCRYPTION_KEYS"] = [Fernet.generate_key().decode()]
    waffle.init_app(app)
    yield app, waffle
    waffle.close()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(group, arguments)


def test_prune_says_how_many_went(bound: tuple[Flask, Waffle[Settings]]) -> None:
    """It keeps as many changes as it is told to."""
    app, waffle = bound
    for low in range(1, 6):
        waffle.update(low=low)
    done = run(app, "prune", "--keep", "2")
    assert (done.exit_code, done.output) == (0, "3 changes were deleted from the history.\n")
    assert [change.revision for change in waffle.history()] == [5, 4]


@pytest.mark.parametrize("arguments", [(), ("--keep", "-1"), ("--keep", "all")])
def test_prune_needs_a_number(
    arguments: tuple[str, ...], bound: tuple[Flask, Waffle[Settings]]
) -> None:
    """Without a number of changes to keep, nothing is deleted."""
    app, waffle = bound
    waffle.update(low=1)
    done = run(app, "prune", *arguments)
    assert (done.exit_code, "--keep" in done.output) == (2, True)
    assert len(waffle.history()) == 1


def test_rotate_keys_says_how_many_secrets_there_are(
    bound: tuple[Flask, Waffle[Settings]],
) -> None:
    """Every stored secret is encrypted with the first key afterwards."""
    app, waffle = bound
    waffle.update(token="hunter2")  # type: ignore[waffle-value] # as a form gives it
    done = run(app, "rotate-keys")
    assert (done.exit_code, done.output) == (0, "1 secrets are encrypted with the first key.\n")


def test_rotate_keys_without_keys_is_refused(tmp_path: Path) -> None:
    """The message names the key that is missing."""
    app, waffle = Flask("shop"), Waffle(Settings)
    app.config["WAFFLE_DATABASE_URL"] = f"sqlite:///{tmp_path / 'waffle.db'}"
    waffle.init_app(app)
    done = run(app, "rotate-keys")
    waffle.close()
    assert done.exit_code == 1
    assert "WAFFLE_ENCRYPTION_KEYS" in done.output
