"""Secrets in the database: their keys come, go, and are sometimes the wrong ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from tests.support.keys import fernet_key
from tests.support.models import Smtp
from tests.support.vault import KEYS, Connect, stored, token, workers
from typed_waffle import ConfigurationError, WaffleModel, settings_rejected

OLD, NEW, OTHER = map(fernet_key, ("old", "new", "other"))

CANARY = "canary-at-rest-0815"
NOT_SET = "it is encrypted, and WAFFLE_ENCRYPTION_KEYS is not set"
UNOPENED = "it is encrypted, and none of WAFFLE_ENCRYPTION_KEYS opens it"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'waffle.db'}"


@pytest.fixture
def connect(url: str) -> Iterator[Connect]:
    with workers(url) as connect:
        yield connect


# --- keys that are not there --------------------------------------------------------------------


@pytest.mark.parametrize(("keys", "why"), [((), NOT_SET), ((OTHER,), UNOPENED)])
def test_a_secret_that_does_not_open_shows_its_default(
    keys: tuple[str, ...], why: str, url: str, connect: Connect
) -> None:
    """The worker is rejected and says why; its changes of other fields leave the secret alone."""
    connect(OLD).update(token="s3cret", low=-1)  # type: ignore[waffle-value] # as a form gives it
    before = stored(url)["token"]
    reasons: list[Any] = []

    def rejected(_: object, **told: object) -> None:
        reasons.append(told["reasons"])

    with settings_rejected.connected_to(rejected):
        waffle = connect(*keys)
    assert (token(waffle), waffle.snapshot().settings.low) == ("", -1)
    assert waffle.snapshot().origin("token") == "default"
    assert (waffle.status().state, waffle.status().last_error) == ("rejected", f"token: {why}")
    assert reasons == [{"token": why}]
    waffle.update(low=-2, name="Cake")
    waffle.reset("name")
    assert stored(url) == {"token": before, "low": "-2"}
    assert token(connect(OLD)) == "s3cret"


def test_a_secret_that_does_not_open_can_be_set_anew(url: str, connect: Connect) -> None:
    """A write of the field heals it, with the keys at hand."""
    connect(OLD).update(token="s3cret")  # type: ignore[waffle-value] # as a form gives it
    waffle = connect(NEW)
    waffle.update(token="an0ther")  # type: ignore[waffle-value] # as a form gives it
    assert (token(waffle), waffle.status().last_error) == ("an0ther", f"token: {UNOPENED}")
    assert token(connect(NEW)) == "an0ther"
    assert "an0ther" not in stored(url)["token"]


def test_a_secret_that_does_not_open_may_be_fatal(connect: Connect) -> None:
    """With `WAFFLE_ON_INVALID="raise"` a worker with the wrong keys does not start."""
    connect(OLD).update(token="s3cret")  # type: ignore[waffle-value] # as a form gives it
    with pytest.raises(ConfigurationError, match=f"token: {UNOPENED}"):
        connect(OTHER, WAFFLE_ON_INVALID="raise")


def test_a_nested_secret_is_sealed_with_its_field(url: str, connect: Connect) -> None:
    """A field is a secret if one stands anywhere in it; then all of it is encrypted."""
    connect(OLD).update(smtp={"host": "mail.example.org", "password": CANARY})  # type: ignore[waffle-value] # as a form gives it
    assert not [part for part in (CANARY, "mail.example.org") if part in stored(url)["smtp"]]
    smtp = connect(OLD).snapshot().settings.smtp
    assert (smtp.host, smtp.password.get_secret_value()) == ("mail.example.org", CANARY)


def test_a_secret_copied_in_the_database_is_not_shown(url: str, connect: Connect) -> None:
    """Whoever can write to the database cannot move a secret to where others may see it."""
    connect(OLD).update(token="s3cret")  # type: ignore[waffle-value] # as a form gives it
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO waffle_override (namespace, field, value) "
                "SELECT namespace, 'name', value FROM waffle_override"
            )
        )
    engine.dispose()
    waffle = connect(OLD)
    assert (token(waffle), waffle.snapshot().settings.name) == ("s3cret", "Waffle")
    assert "copied here" in str(waffle.status().last_error)


# --- keys that come and go ----------------------------------------------------------------------


def test_keys_are_rotated_in_three_steps(url: str, connect: Connect) -> None:
    """The new key first, then `rotate_keys`, then without the old one; nothing is ever away."""
    connect().update(low=-1, token="in the clear")  # type: ignore[waffle-value] # as a form gives it
    connect(OLD).update(smtp=Smtp(password=SecretStr("s3cret")))
    both = connect(NEW, OLD)
    before = both.snapshot()
    assert both.rotate_keys() == 2
    assert (both.snapshot(), both.history()[0].revision) == (before, 2)
    alone = connect(NEW)
    assert alone.snapshot().settings == before.settings
    assert alone.status().state == "live"
    assert token(alone) == "in the clear"
    assert not [value for value in stored(url).values() if "in the clear" in value]
    assert stored(url)["low"] == "-1"
    assert alone.rotate_keys() == 2


def test_a_live_worker_goes_on_during_a_rotation(url: str, connect: Connect) -> None:
    """A worker that holds the old keys only shows what it showed, and undoes nothing."""
    behind = connect(OLD)
    behind.update(token="s3cret")  # type: ignore[waffle-value] # as a form gives it
    connect(NEW, OLD).rotate_keys()
    rotated = stored(url)["token"]
    behind.refresh()
    assert (token(behind), behind.status().state) == ("s3cret", "live")
    behind.update(low=-1)
    assert stored(url) == {"token": rotated, "low": "-1"}
    # What it wrote it had to read first: now it knows, and keeps the last good value.
    assert (token(behind), behind.status().state) == ("s3cret", "rejected")
    assert behind.status().last_error == f"token: {UNOPENED}"
    assert connect(NEW).snapshot().settings == behind.snapshot().settings


def test_a_worker_with_both_keys_notices_no_rotation(connect: Connect) -> None:
    """Its next write finds the same values under other texts: it swaps once, for its change."""
    both, swaps = connect(OLD, NEW), []
    both.update(token="s3cret")  # type: ignore[waffle-value] # as a form gives it
    connect(NEW, OLD).rotate_keys()
    both.on_change()(lambda old, new: swaps.append((old.low, new.low)))
    change = both.update(low=-1)
    assert change is not None
    assert [field.field for field in change.fields] == ["low"]
    assert (swaps, both.status().state) == ([(0, -1)], "live")


def test_a_rotation_without_keys_is_an_error(connect: Connect) -> None:
    """Without `WAFFLE_ENCRYPTION_KEYS` there is nothing to encrypt with."""
    with pytest.raises(ConfigurationError, match="WAFFLE_ENCRYPTION_KEYS: it is not set"):
        connect().rotate_keys()


def test_a_rotation_that_fails_names_the_field(url: str, connect: Connect) -> None:
    """A secret that no key opens stops it, and everything stays as it is."""
    connect(OTHER).update(token="s3cret")  # type: ignore[waffle-value] # as a form gives it
    connect(OLD).update(smtp=Smtp(password=SecretStr("s3cret")))
    before = stored(url)
    with pytest.raises(ConfigurationError, match=f"because of token: {UNOPENED}"):
        connect(NEW, OLD).rotate_keys()
    assert stored(url) == before


def test_a_database_in_memory_keeps_its_promises_too(connect: Connect) -> None:
    """Keys may be set whatever the database is."""
    waffle = connect(OLD, WAFFLE_DATABASE_URL="sqlite://")
    waffle.update(token="s3cret")  # type: ignore[waffle-value] # as a form gives it
    waffle.refresh()
    assert (token(waffle), waffle.rotate_keys()) == ("s3cret", 1)


# --- the warning --------------------------------------------------------------------------------

WARNING = (
    "Shop: the database keeps secrets in plain text (smtp, token), "
    "because WAFFLE_ENCRYPTION_KEYS is not set"
)


def test_without_keys_a_worker_warns_once(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Each worker names the secrets and the key, once, even if it is closed and begins anew."""
    waffle = connect()
    waffle.close()
    waffle.start()
    waffle.update(token="s3cret")  # type: ignore[waffle-value] # as a form gives it
    assert caplog.messages.count(WARNING) == 1
    connect()
    assert caplog.messages.count(WARNING) == 2


class Plain(WaffleModel):
    """A model without a secret."""

    name: str = "Waffle"


@pytest.mark.parametrize(
    ("keys", "more"),
    [
        ((OLD,), {}),
        ((), {"model": Plain}),
        ((), {"WAFFLE_DATABASE_URL": "sqlite://"}),
        ((), {"WAFFLE_ENV_PREFIX": "SHOP_"}),
    ],
    ids=["keys", "no secret", "in memory", "pinned"],
)
def test_there_is_no_warning_for_nothing(
    keys: tuple[str, ...],
    more: dict[str, Any],
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is said if nothing can be stored in the clear, or if it ends with the process."""
    monkeypatch.setenv("SHOP_TOKEN", "pinned")
    monkeypatch.setenv("SHOP_SMTP", json.dumps({"password": "pinned"}))
    connect(*keys, **more)
    assert [message for message in caplog.messages if KEYS in message] == []


def test_every_process_warns(url: str) -> None:
    """A forked worker warns for itself, so that its own log says it."""
    code = (
        "import os\n"
        "from tests.support.models import Shop\n"
        "from typed_waffle import Waffle\n"
        f"with Waffle(Shop).connect({{'WAFFLE_DATABASE_URL': {url!r}}}) as waffle:\n"
        "    if os.fork() == 0:\n"
        "        waffle.start()\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stderr.count(WARNING) == 2
