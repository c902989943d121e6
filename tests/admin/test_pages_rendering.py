"""How a page is made of a template."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import TemplateNotFound

from tests.support.apps import Apps, Settings
from tests.support.office import Bakery, Browser, Office
from typed_waffle import Waffle
from typed_waffle.admin.pages.rendering import environment

PAGES = ("/history", "/changes/2", "/compare", "/compare?older=0", "/rollback/1", "/workers")


@pytest.fixture
def visited(office: Office) -> Browser:
    """A browser at an office where something was changed."""
    office.change(seats=30)
    office.change(seats=31, open=False)
    return office.browser()


@pytest.mark.parametrize("page", [*PAGES, "/nowhere", "/changes/77", "/rollback/77"])
def test_nothing_in_a_page_is_inline(visited: Browser, page: str) -> None:
    """A strict policy holds, because scripts and styles are files of ours."""
    response = visited.get(page)
    if page == "/nowhere":  # the application's own page: no route of ours
        assert response.status_code == 404
        return
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    for tag in visited.soup.select("*"):
        assert not [name for name in tag.attrs if name.startswith("on") or name == "style"]
        assert tag.name != "style"
        assert tag.name != "script" or (tag.get("src") and not tag.get_text())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_walked_without_seeing_it(visited: Browser, page: str) -> None:
    """One main heading, no level left out, labels on all controls, heads and captions on tables."""
    visited.get(page)
    soup = visited.soup
    levels = [int(tag.name[1]) for tag in soup.find_all(["h1", "h2", "h3", "h4"])]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for control in soup.select("input:not([type=hidden]), select, textarea"):
        assert soup.select_one(f"label[for={control['id']}]"), control
    for table in soup.find_all("table"):
        assert table.find("caption")
        assert all(head.get("scope") for head in table.find_all("th"))
    first = soup.select_one("body a")
    assert first is not None
    assert first["href"] == "#main"
    assert soup.select_one("html")["lang"] == "en"  # type: ignore[index] # there is one
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("page", "place"),
    [("/history", "History"), ("/changes/1", "History"), ("/workers", "Workers")],
)
def test_the_navigation_says_where_one_is(visited: Browser, page: str, place: str) -> None:
    """One of its links is the current one."""
    visited.get(page)
    assert [link.get_text() for link in visited.soup.select("nav [aria-current]")] == [place]


def test_the_page_names_the_model_the_namespace_and_who_asks(tmp_path: Path) -> None:
    """So that nobody changes the settings of another application."""
    apps = Apps(tmp_path)
    app = apps.app(SECRET_KEY="of this test")
    waffle = Waffle(Settings, namespace="billing")
    waffle.init_app(app)
    app.register_blueprint(waffle.admin(authorize=lambda: "ann & co"))
    text = app.test_client().get("/settings/history").get_data(as_text=True)
    waffle.close()
    apps.close()
    assert "Settings" in text
    assert "billing" in text
    assert "ann &amp; co" in text


def test_what_the_application_does_to_jinja_does_not_matter(tmp_path: Path) -> None:
    """Other delimiters, no escaping, strict or not: the page is as it is, and stays escaped."""

    class Odd(Flask):
        jinja_options = {"variable_start_string": "[[", "variable_end_string": "]]"}  # noqa: RUF012 - Flask's own

        def select_jinja_autoescape(self, filename: str | None) -> bool:
            return not filename

    apps = Apps(tmp_path)
    app = Odd("shop", instance_path=str(tmp_path / "instance"))
    app.config.update({"WAFFLE_DATABASE_URL": apps.url, "SECRET_KEY": "of this test"})
    waffle = Waffle(Bakery)
    waffle.init_app(app)
    app.context_processor(lambda: {"visitor": None, "model": "<b>", "url_for": None})
    app.register_blueprint(waffle.admin(authorize=lambda: "<i>ann</i>"))
    text = app.test_client().get("/settings/history").get_data(as_text=True)
    waffle.close()
    apps.close()
    assert "{{" not in text
    assert "&lt;i&gt;ann&lt;/i&gt;" in text
    assert "Bakery" in text


def test_nothing_is_added_to_the_templates_of_the_application(office: Office) -> None:
    """Neither filters nor globals nor templates."""
    assert "minute" not in office.app.jinja_env.filters
    assert "differences" not in office.app.jinja_env.globals
    with pytest.raises(TemplateNotFound):
        office.app.jinja_env.get_template("typed_waffle/base.html")


def test_values_are_no_templates(office: Office) -> None:
    """Whatever looks like one is shown as it is."""
    office.change(motto="{{ 7 * 7 }} {% raw %} {0.__class__} %(x)s")
    browser = office.browser()
    browser.get("/history")
    assert "{{ 7 * 7 }} {% raw %} {0.__class__} %(x)s" in browser.text


@pytest.mark.parametrize("name", ["admin.css", "live.js", "icon.svg"])
def test_files_are_served_to_everybody(office: Office, name: str) -> None:
    """They tell nothing, and the login page needs them."""
    response = office.browser(None).get(f"/assets/{name}")
    response.close()
    assert response.status_code == 200
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_every_template_escapes_and_misses_nothing() -> None:
    """There is one environment, and a name that a template is not given is an error."""
    assert environment() is environment()
    assert environment().autoescape is True
    assert environment().from_string("{{ a }}").render(a="<") == "&lt;"


def test_the_pages_stand_below_whatever_the_server_mounts_them_at(
    offices: Callable[..., Office],
) -> None:
    """Links and files follow."""
    office = offices()
    office.change(seats=30)
    response = office.app.test_client().get(
        "/settings/history",
        headers={"X-Actor": "ann"},
        environ_overrides={"SCRIPT_NAME": "/shop"},
    )
    assert b'href="/shop/settings/assets/admin.css' in response.data
    assert b'href="/shop/settings/changes/1"' in response.data
