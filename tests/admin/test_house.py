"""The admin blueprint: closed unless it is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask, url_for
from flask_wtf import CSRFProtect

from tests.support.apps import Apps
from typed_waffle import ConfigurationError, Waffle

TOKEN = "a token of twenty or more"


@pytest.fixture
def apps(tmp_path: Path) -> Apps:
    return Apps(tmp_path)


def opened(apps: Apps, **keys: str) -> Flask:
    app = apps.app(**{"SECRET_KEY": "a test's", "WAFFLE_ADMIN_TOKEN": TOKEN, **keys})
    app.register_blueprint(apps.bound(app).admin())
    return app


def test_it_stays_closed_if_nothing_opens_it(apps: Apps) -> None:
    """An application that says nothing of who may come in cannot register it."""
    app = apps.app(SECRET_KEY="a test's")
    with pytest.raises(ConfigurationError, match=r"Give `waffle.admin\(authorize=...\)`"):
        app.register_blueprint(apps.bound(app).admin())
    assert not [rule for rule in app.url_map.iter_rules() if "admin" in rule.endpoint]


@pytest.mark.parametrize("token", ["short", "x" * 19])
def test_a_token_that_can_be_guessed_is_refused(apps: Apps, token: str) -> None:
    """It is not shown."""
    with pytest.raises(ConfigurationError, match="WAFFLE_ADMIN_TOKEN: its value is refused") as e:
        opened(apps, WAFFLE_ADMIN_TOKEN=token)
    assert token not in str(e.value).replace("its value is refused", "")


def test_it_needs_a_secret_key(apps: Apps) -> None:
    """Its forms are signed."""
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        opened(apps, SECRET_KEY="")


def test_it_may_be_registered_before_the_settings_are_bound(apps: Apps) -> None:
    """The order of the two is the developer's."""
    app = apps.app(SECRET_KEY="a test's", WAFFLE_ADMIN_TOKEN=TOKEN)
    waffle = Waffle(apps.bound(apps.app()).model)
    app.register_blueprint(waffle.admin("/config"))
    waffle.init_app(app)
    answer = app.test_client().get("/config/", headers={"Authorization": f"Bearer {TOKEN}"})
    waffle.close()
    assert answer.status_code != 500


def test_one_app_has_a_page_for_each_namespace(apps: Apps) -> None:
    """Their names do not clash."""
    app = apps.app(SECRET_KEY="a test's", WAFFLE_ADMIN_TOKEN=TOKEN)
    app.register_blueprint(apps.bound(app).admin("/one"))
    app.register_blueprint(apps.bound(app, namespace="a.b").admin("/two"))
    app.register_blueprint(apps.bound(app, namespace="a_b").admin("/three"))
    assert len(app.blueprints) == 3


def test_it_may_be_at_the_root(apps: Apps) -> None:
    """The application's own static files do not hide its style sheet."""
    app = apps.app(SECRET_KEY="a test's", WAFFLE_ADMIN_TOKEN=TOKEN)
    app.register_blueprint(apps.bound(app).admin("/"))
    client = app.test_client()
    assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    with app.test_request_context():
        sheet = url_for("waffle_admin.static", filename="admin.css")
    with client.get(sheet) as answer:
        assert answer.mimetype == "text/css"


def test_the_apps_own_csrf_protection_leaves_it_alone(apps: Apps) -> None:
    """It checks its forms itself; a program that sends JSON with a token has no cookie to steal."""
    app = apps.app(SECRET_KEY="a test's", WAFFLE_ADMIN_TOKEN=TOKEN)
    CSRFProtect(app)
    app.register_blueprint(apps.bound(app).admin())
    answer = app.test_client().patch(
        "/settings/api/settings",
        json={"low": 3},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert (answer.status_code, answer.get_json()["low"]) == (200, 3)


def test_without_the_extra_it_says_what_to_install() -> None:
    """The rest of the library needs neither of its packages."""
    code = (
        "import sys; sys.modules['flask_wtf'] = None\n"
        "from typed_waffle import Waffle, WaffleModel, ConfigurationError\n"
        "class Settings(WaffleModel):\n    low: int = 0\n"
        "try:\n    Waffle(Settings).admin(authorize=lambda: 'ada')\n"
        "except ConfigurationError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "pip install 'typed-waffle[admin]'" in done.stdout
