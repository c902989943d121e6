"""`import-legacy`: take over what Flask-WaffleConf stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from flask import current_app

from typed_waffle.binder import EXTENSION
from typed_waffle.binding import Binding
from typed_waffle.cli.group import as_actor, on_settings
from typed_waffle.extension import Waffle
from typed_waffle.values import brief

if TYPE_CHECKING:
    from typed_waffle.legacy import Plan

__all__ = ["import_legacy"]


def _pairs(_: click.Context, option: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, sign, field = text.rpartition("=")
        if not sign or not key or not field:
            raise click.BadParameter(f"{text!r} is not OLD=field", param=option)
        if key in pairs:
            raise click.BadParameter(f"{key!r} is mapped twice", param=option)
        pairs[key] = field
    return pairs


@click.command("import-legacy")
@click.option("--table", required=True, help="The table that holds the old settings.")
@click.option("--key-column", default="key", show_default=True)
@click.option("--value-column", default="value", show_default=True)
@click.option(
    "--database-url",
    help="Where the table is; by default the database that holds the settings.",
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="OLD=FIELD",
    callback=_pairs,
    help="Which field an old key is for, where they differ in more than case. Repeatable.",
)
@click.option("--skip", multiple=True, metavar="OLD", help="Leave out an old key. Repeatable.")
@click.option("--apply", is_flag=True, help="Make the change; without it, only show what would be.")
@as_actor
@on_settings
def import_legacy(
    waffle: Waffle[Any],  # Any: of any model
    *,
    mapping: dict[str, str],
    skip: tuple[str, ...],
    apply: bool,
    actor: str | None,
    note: str | None,
    **source: Any,  # noqa: ANN401 - the options of _rows
) -> None:
    """Take over what Flask-WaffleConf stored, as one change.

    Nothing that is stored is unpickled. Nothing is written if any key is refused.
    """
    from typed_waffle import legacy  # noqa: PLC0415 - loads SQLAlchemy, which other commands need not

    plan = legacy.plan(waffle, _rows(waffle, **source), mapping=mapping, skip=skip)
    _show(plan)
    if plan.refused:
        raise click.ClickException(
            "nothing was written. Correct what is stored, map the key to another field (--map), "
            "or leave it out (--skip)."
        )
    if not apply:
        click.echo("Nothing was written. Add --apply to make this change.")
        return
    change = plan.apply(actor=actor, note=note)
    click.echo(f"This is revision {change.revision}." if change else "Nothing was to be changed.")


def _rows(
    waffle: Waffle[Any],  # Any: of any model
    *,
    database_url: str | None,
    table: str,
    key_column: str,
    value_column: str,
) -> dict[str, object]:
    from typed_waffle import legacy  # noqa: PLC0415 - as above

    binding: Binding[Any] = current_app.extensions[EXTENSION][waffle.namespace]  # Any: as above
    engine, owned = (
        (legacy.opened(database_url), True) if database_url else binding.sources.engine()
    )
    try:
        return legacy.stored(engine, table, key=key_column, value=value_column)
    finally:
        if owned:
            engine.dispose()


def _show(plan: Plan[Any]) -> None:  # Any: of any model
    for entry in plan.entries:
        values = f"{brief(entry.before)} -> {brief(entry.after)}"
        _tell(f"set      {entry.field}: {values} (from {entry.key})")
    for ignored in plan.ignored:
        hint = f" (the nearest is {ignored.nearest})" if ignored.nearest else ""
        _tell(f"ignored  {ignored.key}: {ignored.why}{hint}")
    for refused in plan.refused:
        _tell(f"refused  {'all' if refused.key is None else refused.key}: {refused.why}")


def _tell(line: str) -> None:
    # A terminal obeys what it prints, and old keys may be anything.
    click.echo("".join(c if c.isprintable() else repr(c)[1:-1] for c in line))
