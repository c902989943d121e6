"""Settings that are exported and imported: every type, and every database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import BaseModel, ConfigDict, Field, SecretStr, create_model

from tests.support.compounds import KINDS
from tests.support.databases import DATABASES, Database, Servers, missing
from tests.support.needs import needed
from typed_waffle import Waffle, WaffleModel
from typed_waffle.change import Head, State
from typed_waffle.desk import Desk, Signature
from typed_waffle.edit import Draft, planned
from typed_waffle.paths import merged
from typed_waffle.portable.document import SECRET, exported
from typed_waffle.portable.format import FORMATS, format_named
from typed_waffle.portable.view import viewed
from typed_waffle.portable.wish import wished_by_document
from typed_waffle.snapshot import assembled
from typed_waffle.values import MASK, dumped, same

CONFIG = {"WAFFLE_LISTENER": "inline"}


def name(kind: str, number: int) -> str:
    return "f" + "".join(c if c.isalnum() else "_" for c in kind) + f"_{number}"


PLAIN = {kind: made for kind, made in KINDS.items() if made.config is None}
VALUES = {
    name(kind, number): (made, value)
    for kind, made in PLAIN.items()
    for number, value in enumerate([made.default, *made.picked])
    if not made.refused(value) and MASK not in repr(getattr(value, "get_secret_value", str)())
}
FIELDS: dict[str, Any] = {name: (kind.type, kind.default) for name, (kind, _) in VALUES.items()}
Everything: Any = create_model("Everything", __base__=WaffleModel, **FIELDS)  # Any: of any fields


@pytest.fixture(scope="module")
def databases(
    database_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Database]]:
    """An empty one of every kind."""
    found: dict[str, Database] = {}
    with ExitStack() as stack:
        for kind in DATABASES:
            needed(missing(kind))
            found[kind] = database_servers.database(kind, tmp_path_factory.mktemp(kind))
            stack.callback(found[kind].close)
        yield found


def carried(desk: Desk[Any], text: str, made: str, *, secrets: bool = True) -> str:
    """Import a text; what is exported then."""
    wish = wished_by_document(desk.model, format_named(made).read(text))
    assert wish.complaints == []
    desk.change(Signature("import"), wish.assignments, exact=True)
    return text_of(desk, made, secrets=secrets)


def text_of(desk: Desk[Any], made: str, *, secrets: bool = True) -> str:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    document = exported(desk.fresh().live, desk.namespace, now, secrets=secrets)
    return document.written(format_named(made))


def test_every_kind_is_carried_from_database_to_database(databases: dict[str, Database]) -> None:
    """From SQLite to PostgreSQL to MariaDB, in another format each time: the same snapshot."""
    with Waffle(Everything).connect(CONFIG, engine=databases["sqlite"].own()) as waffle:
        desk = Desk(waffle)
        waffle.update(**{name: value for name, (_, value) in VALUES.items()})
        wanted = waffle.snapshot()
        texts = {made: text_of(desk, made) for made in FORMATS}
    for kind, made in (("postgresql", "toml"), ("mariadb", "yaml")):
        with Waffle(Everything).connect(CONFIG, engine=databases[kind].own()) as waffle:
            again = carried(Desk(waffle), texts[made], made)
            found = waffle.snapshot()
        assert again == texts[made]
        assert found.state.overrides == wanted.state.overrides
        different = [
            n for n in VALUES if not same(getattr(found.settings, n), getattr(wanted.settings, n))
        ]
        assert different == []


@pytest.mark.parametrize("made", ["yaml", "toml"])
def test_every_kind_is_shown_for_editing_as_it_is(made: str, tmp_path: Path) -> None:
    """What is saved as it was opened changes nothing, and no secret is in it."""
    config = {**CONFIG, "WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path}/a"}
    with Waffle(Everything).connect(config) as waffle:
        waffle.update(**{name: value for name, (_, value) in VALUES.items()})
        catalog = Desk(waffle).catalog()
    view = viewed(Everything, catalog, format_named(made), ["head"])
    assert len(view.shown) > 150
    assert view.changed(format_named(made).read(view.text)) == ({}, {})
    secret = {entry.field for entry in catalog.entries() if entry.secret}
    assert {keys[0] for keys in view.hidden} == secret


@pytest.mark.parametrize("name", KINDS)
def test_any_value_is_carried(name: str) -> None:
    """What is planned is what was stored; each format has its turn."""
    kind = KINDS[name]
    model = kind.model
    begin = assembled(model, State(), {})

    @settings(max_examples=3, derandomize=True, database=None, deadline=None)
    @given(kind.values)
    def each(value: object) -> None:
        if kind.refused(value):
            return
        texts = dumped(model.model_validate({"value": value}), ["value"])
        stored = assembled(model, State(Head(1, "id"), texts), {})
        document = exported(stored, "default", datetime.now(UTC), secrets=True)
        for made in map(format_named, FORMATS):
            wish = wished_by_document(model, made.read(document.written(made)))
            updates, _ = merged(begin.settings, wish.assignments)
            plan = planned(Draft("id", updates=updates, exact=True), begin)
            assert plan is not None
            assert plan.proposal.overrides.keys() == {"value"}
            assert same(plan.after.settings, stored.settings)

    each()


class Inner(BaseModel):
    """Its parts have other names outside of Python."""

    model_config = ConfigDict(frozen=True)

    raw: bytes = Field(default=b"", alias="Raw")


class Odd(WaffleModel):
    inner: Inner = Inner()


def test_aliases_do_not_matter(tmp_path: Path) -> None:
    """Parts go by the names that they have in Python, whatever else they are called."""
    for made in FORMATS:
        with Waffle(Odd).connect(
            {**CONFIG, "WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path}/{made}"}
        ) as waffle:
            waffle.update(inner=Inner(Raw=b"x"))
            text = text_of(Desk(waffle), made)
            waffle.reset("inner")
            carried(Desk(waffle), text, made)
            assert waffle.snapshot().settings.inner.raw == b"x"


class Vault(WaffleModel):
    host: str = "h"
    port: int = 25
    password: SecretStr = SecretStr("")


class Safe(WaffleModel):
    smtp: Vault = Vault()
    key: SecretStr = SecretStr("")
    keys: tuple[SecretStr, ...] = ()
    low: int = 0


def test_secrets_stay_where_they_are(tmp_path: Path) -> None:
    """They are left out of a file and named in it; an import of that file leaves them alone."""
    with Waffle(Safe).connect(
        {**CONFIG, "WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path}/a"}
    ) as waffle:
        desk = Desk(waffle)
        waffle.update(
            smtp=Vault(host="a", password=SecretStr("canary")),
            key=SecretStr("canary"),
            keys=(SecretStr("canary"),),
        )
        document = exported(waffle.snapshot(), "default", datetime.now(UTC))
        assert document.left_out == {"smtp.password": SECRET, "key": SECRET, "keys": SECRET}
        text = document.written(format_named("yaml"))
        assert "canary" not in text
        waffle.update(smtp=Vault(host="b", port=1, password=SecretStr("canary")), low=3)
        wish = wished_by_document(Safe, format_named("yaml").read(text))
        stored = waffle.snapshot().state.overrides
        others = list(wish.others(Safe, stored))
        assert [str(path) for path in others] == ["low"]
        desk.change(Signature("import"), wish.assignments, others)
        found = waffle.snapshot().settings
        assert found.smtp == Vault(host="a", port=25, password=SecretStr("canary"))
        assert (found.key.get_secret_value(), found.low) == ("canary", 0)


def test_what_the_model_does_not_show_is_left_out(tmp_path: Path) -> None:
    """It is named, with the reason."""
    url = {**CONFIG, "WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path}/a"}
    older: Any = create_model("Safe", __base__=Safe, low=(str, ""), gone=(int, 0))
    with Waffle(older).connect(url) as waffle:
        waffle.update(low="x", gone=1)
    with Waffle(Safe).connect(url) as waffle:
        document = exported(waffle.snapshot(), "default", datetime.now(UTC))
    assert document.settings == {}
    assert document.left_out.keys() == {"low", "gone"}
    assert "should be a valid integer" in document.left_out["low"]
    assert document.left_out["gone"] == "the model has no such setting"
