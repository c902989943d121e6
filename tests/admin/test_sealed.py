"""What is typed into a secret's field, while it is reviewed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from typed_waffle.admin import sealed
from typed_waffle.admin.sealed import seal, unseal


@pytest.fixture(autouse=True)
def app() -> Iterator[Flask]:
    app = Flask("shop")
    app.secret_key = "the app's"
    with app.app_context():
        yield app


def test_it_opens_where_it_was_sealed() -> None:
    """For the same actor, the same namespace, the same path; and it does not show what it holds."""
    token = seal("default", "ada", "smtp.password", "hünter2")
    assert "nter2" not in token
    assert unseal("default", "ada", "smtp.password", token) == "hünter2"


@pytest.mark.parametrize(
    "place",
    [
        ("other", "ada", "smtp.password"),
        ("default", "eve", "smtp.password"),
        ("default", "ada", "site_name"),
    ],
)
def test_it_opens_nowhere_else(place: tuple[str, str, str]) -> None:
    """Nobody saves it elsewhere, where it might be shown, nor in another's name."""
    assert unseal(*place, seal("default", "ada", "smtp.password", "hunter2")) is None


@pytest.mark.parametrize("token", ["", "x", "é", "gAAAAA=="])
def test_what_is_none_does_not_open(token: str) -> None:
    """A forged one is as good as none."""
    assert unseal("default", "ada", "smtp.password", token) is None


def test_it_opens_with_the_same_key_only(app: Flask) -> None:
    """Another SECRET_KEY has it typed again."""
    token = seal("default", "ada", "smtp.password", "hunter2")
    app.secret_key = b"another"
    assert unseal("default", "ada", "smtp.password", token) is None


def test_it_does_not_open_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was left open for a day asks for it again."""
    token = seal("default", "ada", "smtp.password", "hunter2")
    monkeypatch.setattr(sealed, "LASTS", -1)
    assert unseal("default", "ada", "smtp.password", token) is None
