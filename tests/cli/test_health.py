"""`doctor`, `check`, `init-db` and `status`, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import create_engine, inspect, text

from tests.support.kiosk import create_app, waffle
from tests.support.terminal import answered, run, shown

Findings = list[tuple[str, str, str]]


def findings(app: Flask, code: int = 0) -> Findings:
    """What the doctor says of what, and how bad it is."""
    found = answered(app, "doctor", code=code)["findings"]
    return [(f["check"], f["verdict"], f["detail"]) for f in found]


def worst(found: Findings, check: str) -> tuple[str, str]:
    """What is worst of one thing."""
    order = ["well", "note", "wrong"]
    of = [(verdict, detail) for name, verdict, detail in found if name == check]
    return max(of, key=lambda one: order.index(one[0]))


def edited(app: Flask, statement: str, **values: str) -> None:
    """Do to the database what nobody should."""
    waffle.close()
    engine = create_engine(app.config["WAFFLE_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def store(app: Flask, field: str, value: str) -> None:
    statement = "INSERT INTO waffle_override VALUES ('default', :field, :value)"
    edited(app, statement, field=field, value=value)


def test_all_is_well(kiosk: Flask) -> None:
    """Nothing is wrong with a new application; without Redis it says how changes travel."""
    found = findings(kiosk)
    assert {check for check, _, _ in found} == {
        *("environment", "database", "tables", "clocks", "stored values", "encryption"),
        *("Redis", "listener"),
    }
    assert {verdict for check, verdict, _ in found if check != "Redis"} == {"well"}
    assert worst(found, "Redis") == (
        "note",
        "it is not used: workers look at the database every 2 s",
    )


def test_it_reads_well(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal each finding is a line, folded at its width; in a pipe it has tabs."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "50")
    lines = shown(kiosk, "doctor").text.splitlines()
    assert lines[0] == "ok     environment: no variable begins with KIOSK_"
    assert "note   Redis: it is not used: workers look at the" in lines
    assert "       To push changes, set WAFFLE_REDIS_URL." in lines
    assert all(len(line) <= 50 for line in lines)
    rows = [line.split("\t") for line in run(kiosk, "doctor").stdout.splitlines()]
    assert {len(row) for row in rows} == {4}


def test_a_database_that_is_away(tmp_path: Path) -> None:
    """It is told with what to do, and the rest is looked at all the same."""
    app = create_app(WAFFLE_DATABASE_URL=f"sqlite:///{tmp_path / 'missing' / 'kiosk.db'}")
    found = findings(app, code=1)
    assert worst(found, "database")[0] == "wrong"
    assert worst(found, "encryption") == (
        "wrong",
        "the database keeps smtp, api_key in plain text: WAFFLE_ENCRYPTION_KEYS is not set",
    )
    result = run(app, "doctor")
    assert (result.exit_code, result.stderr) == (1, "Error: 2 things are wrong: see above.\n")


def test_tables_that_are_missing(tmp_path: Path) -> None:
    """Where the application must not make them, `init-db` does, as often as it is asked to."""
    url = f"sqlite:///{tmp_path / 'kiosk.db'}"
    keys: dict[str, Any] = {
        "WAFFLE_DATABASE_URL": url,
        "WAFFLE_CREATE_TABLES": False,
        "WAFFLE_ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
    }
    app = create_app(**keys)
    assert "is missing" in worst(findings(app, code=1), "database")[1].replace("are", "is")
    assert run(app, "list").exit_code == 4
    made = run(app, "init-db")
    assert (made.exit_code, made.output) == (0, "The tables are made.\n")
    engine = create_engine(url)
    assert "waffle_head" in inspect(engine).get_table_names()
    engine.dispose()
    assert answered(app, "init-db") == {"made": False}
    assert run(app, "init-db").output == "The tables are there already.\n"
    assert worst(findings(app), "database")[0] == "well"
    waffle.close()


def test_a_database_that_cannot_be_made(tmp_path: Path) -> None:
    """`init-db` says so, with the exit code for that."""
    app = create_app(WAFFLE_DATABASE_URL=f"sqlite:///{tmp_path / 'missing' / 'kiosk.db'}")
    error = answered(app, "init-db", code=4)["error"]
    assert error["kind"] == "StoreUnavailable"


def test_tables_of_an_older_release(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a newer release would bring forward is told."""
    with kiosk.app_context():
        waffle.update(low=1)
    edited(kiosk, "UPDATE waffle_schema SET version = 1")
    kiosk.config["WAFFLE_CREATE_TABLES"] = False
    app = create_app(**{k: v for k, v in kiosk.config.items() if k.startswith("WAFFLE_")})
    found = findings(app, code=1)
    assert worst(found, "tables") == (
        "wrong",
        "they are of version 1; this release has version 2",
    )
    edited(kiosk, "DELETE FROM waffle_schema")
    assert (
        worst(findings(app), "tables")[1] == "they are of no version, as tables that Alembic made"
    )


def test_what_does_not_fit(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` and `doctor` name what is stored and does not fit; the exit code is 1."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(kiosk, "check").output == "What is stored at revision 0 fits this code.\n"
    assert answered(kiosk, "check") == {
        "ok": True,
        "revision": 0,
        "misfits": [],
        "unknown": [],
    }
    with kiosk.app_context():
        waffle.update(low=1)
    store(kiosk, "tone", '"rude"')
    store(kiosk, "gone", "1")
    told = answered(kiosk, "check", code=1)
    assert (told["ok"], told["revision"], told["unknown"]) == (False, 1, ["gone"])
    assert [misfit["field"] for misfit in told["misfits"]] == ["tone"]
    assert (told["error"]["kind"], told["error"]["settings"]) == ("Misfit", ["tone"])
    result = run(kiosk, "check")
    assert result.stdout.startswith("tone\tInput should be 'formal' or 'friendly'")
    assert "gone is stored, and this code has no such setting" in result.stderr
    assert "revision 1 does not fit this code" in result.stderr
    assert shown(kiosk, "check").text.startswith("tone: Input should be")
    found = findings(kiosk, code=1)
    assert worst(found, "stored values")[0] == "wrong"
    assert ("stored values", "note") in [(check, verdict) for check, verdict, _ in found]


def test_a_rule_across_settings_that_does_not_fit(kiosk: Flask) -> None:
    """What breaks a rule together is named."""
    with kiosk.app_context():
        waffle.update(high=1)
    store(kiosk, "low", "5")
    [misfit] = answered(kiosk, "check", code=1)["misfits"]
    assert misfit["field"] in {"low", "high"}
    assert "low 5 is above high" in misfit["why"]


def test_what_does_not_fit_is_listed(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list shows the default, and says that something was refused."""
    monkeypatch.setenv("NO_COLOR", "1")
    with kiosk.app_context():
        waffle.update(low=1)
    store(kiosk, "tone", '"rude"')
    row = next(line for line in shown(kiosk, "list").text.splitlines() if line.startswith("tone"))
    assert row.split()[:3] == ["tone", "formal", "refused"]
    assert "refused  Input should be" in shown(kiosk, "explain", "tone").text
    assert answered(kiosk, "status")["settings"]["refused"] == 1


def test_check_goes_on_where_a_worker_would_not_begin(kiosk: Flask) -> None:
    """With WAFFLE_ON_INVALID=raise, what does not fit is told all the same."""
    with kiosk.app_context():
        waffle.update(low=1)
    store(kiosk, "tone", '"rude"')
    keys = {k: v for k, v in kiosk.config.items() if k.startswith("WAFFLE_")}
    app = create_app(**{**keys, "WAFFLE_ON_INVALID": "raise"})
    assert answered(app, "check", code=1)["error"]["kind"] == "Misfit"
    assert worst(findings(app, code=1), "stored values")[0] == "wrong"
    error = answered(app, "list", code=1)["error"]
    assert error["kind"] == "ConfigurationError"


def test_variables(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which pin what, which pin nothing, and which do not fit."""
    monkeypatch.setenv("KIOSK_LOW", "1")
    monkeypatch.setenv("KIOSK_LWO", "1")
    found = findings(kiosk)
    assert ("environment", "well", "KIOSK_LOW pins low") in found
    assert worst(found, "environment") == (
        "note",
        "KIOSK_LWO pins nothing: did you mean KIOSK_LOW?",
    )
    monkeypatch.setenv("KIOSK_LOW", "x")
    verdict, detail = worst(findings(kiosk, code=1), "environment")
    assert (verdict, "low = 'x' is refused" in detail) == ("wrong", True)
    assert answered(kiosk, "check", code=1)["error"]["kind"] == "ConfigurationError"


def test_a_key_that_is_missing(kiosk: Flask) -> None:
    """What no key opens is told, and its value is nowhere."""
    with kiosk.app_context():
        waffle.update(api_key=SecretStr("canary-4711"))
    waffle.close()
    keys = {k: v for k, v in kiosk.config.items() if k.startswith("WAFFLE_")}
    app = create_app(**{**keys, "WAFFLE_ENCRYPTION_KEYS": [Fernet.generate_key().decode()]})
    assert worst(findings(app, code=1), "encryption") == (
        "wrong",
        "no key opens what is stored of api_key",
    )
    assert [m["field"] for m in answered(app, "check", code=1)["misfits"]] == ["api_key"]
    with kiosk.app_context():
        assert worst(findings(kiosk), "encryption")[1] == "1 key opens every secret that is stored"


def test_how_things_are(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The revision, who made it, how many settings are set, and that nobody knows the workers."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("KIOSK_HIGH", "9")
    with kiosk.app_context(), waffle.edit(actor="ada", note="why") as edit:
        edit.update(low=1)
    told = answered(kiosk, "status")
    assert told["settings"] == {"declared": 13, "stored": 1, "locked": 1, "refused": 0}
    assert (told["revision"], told["latest"]["actor"], told["workers"], told["redis"]) == (
        *(1, "ada"),
        *(None, "not used"),
    )
    lines = shown(kiosk, "status").text.splitlines()
    assert lines[2] == "revision   1"
    assert lines[3].endswith("Z by ada: why")
    assert lines[6] == "workers    not known: Redis is not used"


def test_redis_that_is_away(kiosk: Flask) -> None:
    """`status` goes on, `doctor` says what is wrong, `workers` has an exit code of its own."""
    keys = {k: v for k, v in kiosk.config.items() if k.startswith("WAFFLE_")}
    app = create_app(**{**keys, "WAFFLE_REDIS_URL": "redis://127.0.0.1:1/0"})
    told = answered(app, "status")
    assert (told["workers"], "127.0.0.1:1" in told["redis"]) == (None, True)
    assert "not known" in run(app, "status").output
    assert worst(findings(app, code=1), "Redis")[0] == "wrong"
    assert answered(app, "workers", code=4)["error"]["kind"] == "BusUnavailable"
    assert answered(app, "set", "low=1", "--wait", code=4)["error"]["kind"] == "BusUnavailable"
    assert answered(app, "status")["revision"] == 0
    waffle.close()


def test_a_listener_that_cannot_run(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for and is not installed is told."""
    keys = {k: v for k, v in kiosk.config.items() if k.startswith("WAFFLE_")}
    app = create_app(**{**keys, "WAFFLE_LISTENER": "gevent"})
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert worst(findings(app, code=1), "listener")[0] == "wrong"
