"""`import-legacy`: take over what Flask-WaffleConf stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from typed_waffle.catalog import plain
from typed_waffle.cli.group import on_settings
from typed_waffle.cli.options import Writing, writing
from typed_waffle.cli.outcome import Failure
from typed_waffle.cli.output import Output
from typed_waffle.cli.waiting import Terms, concluded
from typed_waffle.desk import Desk
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


@click.command("import-legacy", short_help="Take over what Flask-WaffleConf stored.", cls=Writing)
@click.option("--table", required=True, help="The table that holds the old settings.")
@click.option("--key-column", default="key", show_default=True, help="Its column with the keys.")
@click.option(
    "--value-column", default="value", show_default=True, help="Its column with the values."
)
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
@writing("import")
@on_settings
def import_legacy(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    mapping: dict[str, str],
    skip: tuple[str, ...],
    apply: bool,
    terms: Terms,
    **source: Any,  # noqa: ANN401 - the options of _rows
) -> None:
    """Take over what Flask-WaffleConf stored, as one change.

    Nothing that is stored is unpickled. Nothing is written if any key is refused.
    """
    from typed_waffle import legacy  # noqa: PLC0415 - loads SQLAlchemy, which other commands need not

    desk.check(terms.signature)
    terms.check(desk)
    plan = legacy.plan(desk.waffle, _rows(desk, **source), mapping=mapping, skip=skip)
    document = {"plan": _form(desk, plan)}
    if not out.as_json:
        _show(out, plan)
    if plan.refused:
        raise Failure(
            "InvalidChange",
            "nothing was written. Correct what is stored, map the key to another field (--map), "
            "or leave it out (--skip).",
            settings=tuple(r.field for r in plan.refused if r.field is not None),
            document=document,
        )
    if apply:
        change = plan.apply(actor=terms.signature.actor, note=terms.signature.note)
        concluded(desk, out, desk.told(change), terms, document, brief=True)
    elif out.as_json:
        out.document({"revision": plan.revision, "change": None, "fleet": None, **document})
    else:
        out.line("Nothing was written. Add --apply to make this change.")


def _rows(
    desk: Desk[Any],  # Any: of any model
    *,
    database_url: str | None,
    table: str,
    key_column: str,
    value_column: str,
) -> dict[str, object]:
    from typed_waffle import legacy  # noqa: PLC0415 - as above

    engine, owned = (
        (legacy.opened(database_url), True) if database_url else desk.binding.sources.engine()
    )
    try:
        return legacy.stored(engine, table, key=key_column, value=value_column)
    finally:
        if owned:
            engine.dispose()


def _show(out: Output, plan: Plan[Any]) -> None:  # Any: of any model
    for entry in plan.entries:
        values = f"{brief(entry.before)} -> {brief(entry.after)}"
        out.line(f"set      {entry.field}: {values} (from {entry.key})")
    for ignored in plan.ignored:
        hint = f" (the nearest is {ignored.nearest})" if ignored.nearest else ""
        out.line(f"ignored  {ignored.key}: {ignored.why}{hint}")
    for refused in plan.refused:
        out.line(f"refused  {'all' if refused.key is None else refused.key}: {refused.why}")


def _form(desk: Desk[Any], plan: Plan[Any]) -> dict[str, object]:  # Any: of any model
    return {
        "set": [
            {
                "key": entry.key,
                "field": entry.field,
                "before": plain(desk.model, entry.field, entry.before),
                "after": plain(desk.model, entry.field, entry.after),
            }
            for entry in plan.entries
        ],
        "ignored": [asdict(ignored) for ignored in plan.ignored],
        "refused": [asdict(refused) for refused in plan.refused],
    }
