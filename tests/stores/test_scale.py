"""Many fields and a long history: how many statements a worker needs, and what they read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from pydantic import create_model
from sqlalchemy import Engine, event, insert

from tests.support.databases import Database
from typed_waffle import Waffle, WaffleModel
from typed_waffle.change import Head
from typed_waffle.stores.sql import PRUNED_AT_ONCE, SqlStore
from typed_waffle.stores.tables import tables

FIELDS = 1_000
REVISIONS = 10_000
NEWEST = f"{REVISIONS:032x}"
NEIGHBOURS = 2_000
"""Other namespaces in the same tables, with a change each."""


@cache
def wide() -> type[WaffleModel]:
    """A model of a thousand fields."""
    fields: dict[str, Any] = {f"f{number}": (int, 0) for number in range(FIELDS)}
    return create_model("Wide", __base__=WaffleModel, **fields)


def fill(engine: Engine) -> None:
    """A thousand overrides and ten thousand changes, and the neighbours."""
    table = tables()
    others = [f"n{number}" for number in range(NEIGHBOURS)]

    def change(namespace: str, revision: int, field: str) -> dict[str, object]:
        return {
            "namespace": namespace,
            "revision": revision,
            "change_id": f"{revision:032x}",
            "follows": f"{revision - 1:032x}",
            "at": datetime(2026, 11, 24, 12),  # noqa: DTZ001 - the column is UTC without a zone
            "channel": "python",
            "fields": json.dumps([[field, "0", "1", False, True]]),
        }

    changes = [change("default", n, f"f{n % FIELDS}") for n in range(1, REVISIONS + 1)]
    changes += [change(name, 1, "f1") for name in others]
    heads = [{"namespace": "default", "revision": REVISIONS, "change_id": NEWEST}]
    heads += [{"namespace": name, "revision": 1, "change_id": f"{1:032x}"} for name in others]
    overrides = [{"namespace": "default", "field": f"f{n}", "value": "1"} for n in range(FIELDS)]
    overrides += [{"namespace": name, "field": "f1", "value": "1"} for name in others]
    touched = [
        {
            "namespace": c["namespace"],
            "revision": c["revision"],
            "field": json.loads(str(c["fields"]))[0][0],
        }
        for c in changes
    ]
    with engine.begin() as connection:
        connection.execute(insert(table.head), heads)
        connection.execute(insert(table.override), overrides)
        connection.execute(insert(table.history), changes)
        connection.execute(insert(table.touched), touched)


@pytest.fixture
def engine(database: Database) -> Engine:
    engine = database.engine()
    SqlStore(engine).head("default")
    fill(engine)
    return engine


Statement = tuple[str, Any]


@contextmanager
def heard(engine: Engine) -> Iterator[list[Statement]]:
    """Every statement, with its parameters; `executemany` is one."""
    statements: list[Statement] = []

    def hear(_c: Any, _cur: Any, statement: str, parameters: Any, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        statements.append((" ".join(statement.split()), parameters))

    event.listen(engine, "before_cursor_execute", hear)
    yield statements
    event.remove(engine, "before_cursor_execute", hear)


def verbs(statements: list[Statement]) -> list[str]:
    """What each statement does; those that begin and end a transaction are left out."""
    first = [statement.split()[0].upper() for statement, _ in statements]
    return [verb for verb in first if verb in {"SELECT", "INSERT", "UPDATE", "DELETE"}]


def test_a_worker_starts_with_two_queries(database: Database, engine: Engine) -> None:
    """One for the version of the tables and one for all that is stored, however much that is."""
    waffle = Waffle(wide())
    with heard(engine) as statements, waffle.connect({}, engine=engine):
        assert waffle.snapshot().revision == REVISIONS
        assert len(waffle.snapshot().settings.model_fields_set) == FIELDS
    assert verbs(statements) == ["SELECT"] * 2


def test_a_change_takes_two_queries_and_the_writing(engine: Engine) -> None:
    """The lock and what is stored; then overrides, revision and history, whatever their number."""
    waffle = Waffle(wide())
    with waffle.connect({}, engine=engine):
        for changed in (1, 20):
            with heard(engine) as statements:
                waffle.update(**{f"f{number}": 2 + changed for number in range(changed)})
            assert sorted(verbs(statements)) == sorted(
                ["SELECT"] * 2 + ["DELETE", "INSERT", "UPDATE", "INSERT", "INSERT"]
            )
        with heard(engine) as statements:
            waffle.update(f1=waffle.current_settings.f1)  # type: ignore[attr-defined]  # made above
        assert verbs(statements) == ["SELECT"] * 2


def test_a_look_takes_one_query(engine: Engine) -> None:
    """If nothing changed; and one more if something did."""
    waffle, other = Waffle(wide()), Waffle(wide())
    with waffle.connect({}, engine=engine):
        with heard(engine) as statements:
            waffle.refresh()
        assert verbs(statements) == ["SELECT"]
        with other.connect({}, engine=engine):
            other.update(f1=5)
        with heard(engine) as statements:
            waffle.refresh()
        assert verbs(statements) == ["SELECT"] * 2


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_long_history_is_pruned_in_parts(engine: Engine) -> None:
    """No transaction deletes so much that a writer would wait long for it."""
    store = SqlStore(engine)
    with heard(engine) as statements:
        assert store.prune("default", 4_500) == 5_500
    parts = verbs(statements).count("DELETE") // 2
    assert parts == -(-5_500 // PRUNED_AT_ONCE)
    assert store.prune("default", 0) == 4_500
    assert store.prune("default", 0) == 0
    assert store.head("default") == Head(REVISIONS, NEWEST)


# --- plans ------------------------------------------------------------------------------------


def uses(store: SqlStore) -> dict[str, Callable[[], object]]:
    """Everything that a store does, at this size."""
    return {
        "head": lambda: store.head("default"),
        "state": lambda: store.state("default"),
        "newest": lambda: store.history("default"),
        "page": lambda: store.history("default", before=5_000),
        "field": lambda: store.history("default", field="f500"),
        "field and page": lambda: store.history("default", field="f500", before=5_000),
        "write": lambda: store.commit("default", lambda _: None),
        "prune": lambda: store.prune("default", 9_000),
    }


def tables_scanned(plan: dict[str, Any]) -> set[str]:
    """The tables that a plan of PostgreSQL reads from end to end."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return found.union(*(tables_scanned(part) for part in plan.get("Plans", [])))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_every_statement_finds_its_rows_by_an_index(engine: Engine) -> None:
    """No table is read from end to end, as EXPLAIN tells."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "INSERT INTO waffle_override (namespace, field, value)"
            " SELECT 'n' || mod(i, 2000), 'g' || i, '1' FROM generate_series(1, 20000) i"
        )
        connection.exec_driver_sql("ANALYZE")
    for use, run in uses(SqlStore(engine)).items():
        with heard(engine) as statements:
            run()
        ours = [s for s in statements if "waffle_" in s[0] and "waffle_schema" not in s[0]]
        assert ours, use
        for statement, parameters in ours:
            with engine.connect() as connection:
                explained = connection.exec_driver_sql(
                    f"EXPLAIN (FORMAT JSON) {statement}", parameters
                ).scalar_one()
            scanned = tables_scanned(explained[0]["Plan"])
            assert not scanned, f"{use}: {statement}\n{json.dumps(explained, indent=1)}"
