"""The recipes of the page on the admin page, with the packages that they are about."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.pages import ROOT, blocks

Make = Callable[[str], FlaskClient]

FORM = "/settings/"
CHANGE = {"maintenance": True}


@pytest.fixture
def visitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes visitors of the application of one recipe, which stands in a folder of its own."""
    found = blocks(ROOT / "docs" / "admin.md").files
    for name, code in found.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    apps: list[Any] = []  # an application that nobody holds is let go

    def make(recipe: str) -> FlaskClient:
        apps.append(importlib.import_module(recipe).create_app())
        client: FlaskClient = apps[-1].test_client()
        return client

    yield make
    sys.modules["settings"].waffle.close()
    for name in found:
        sys.modules.pop(name.removesuffix(".py"), None)


def logged_in(client: FlaskClient, name: str) -> FlaskClient:
    client.post("/login", data={"name": name, "password": f"{name}'s password"})
    return client


def test_flask_login_sends_strangers_to_the_login(visitor: Make) -> None:
    """To the page of the application; the API does the same, and nothing is told."""
    stranger = visitor("with_login")
    for answer in (
        stranger.get(FORM),
        stranger.get("/settings/api/settings"),
        stranger.patch("/settings/api/settings", json=CHANGE),
    ):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login?next=")
    wrong = logged_in(stranger, "eve")
    assert wrong.get(FORM).status_code == 302


def test_flask_login_lets_operators_in(visitor: Make) -> None:
    """The name of the one who is logged in is that of the change; others stay out."""
    ada = logged_in(visitor("with_login"), "ada")
    assert ada.get(FORM).status_code == 200
    assert ada.patch("/settings/api/settings", json=CHANGE).status_code == 200
    history: Any = ada.get("/settings/api/history").json
    assert [change["actor"] for change in history["changes"]] == ["ada"]
    bob = logged_in(visitor("with_login"), "bob")
    assert bob.get(FORM).status_code == 403
    assert bob.patch("/settings/api/settings", json=CHANGE).status_code == 403


def test_http_basic_asks_for_a_password(visitor: Make) -> None:
    """A browser is told to ask; a wrong password is none."""
    client = visitor("with_basic")
    for given in (None, ("ada", "wrong"), ("eve", "ada's password"), ("", "")):
        answer = client.get(FORM, auth=given)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="settings"'
        assert client.patch("/settings/api/settings", json=CHANGE, auth=given).status_code == 401


def test_http_basic_lets_those_in_who_have_it(visitor: Make) -> None:
    """Their name is that of the change; what another site has their browser send is refused."""
    client, ada = visitor("with_basic"), ("ada", "ada's password")
    assert client.get(FORM, auth=ada).status_code == 200
    evil = {"Origin": "https://evil.example"}
    for headers in (evil, {"Sec-Fetch-Site": "cross-site"}):
        refused = client.patch("/settings/api/settings", json=CHANGE, auth=ada, headers=headers)
        assert refused.status_code == 403
    assert client.patch("/settings/api/settings", json=CHANGE, auth=ada).status_code == 200
    history: Any = client.get("/settings/api/history", auth=ada).json
    assert [change["actor"] for change in history["changes"]] == ["ada"]
