"""The text of the module that is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import indent
from typing import Any

from typed_waffle.change import Change
from typed_waffle.edit import Edit
from typed_waffle.errors import DeclarationError
from typed_waffle.model import WaffleModel, facts
from typed_waffle.override import Override
from typed_waffle.snapshot import Origin, Snapshot
from typed_waffle.stubgen.declared import declared
from typed_waffle.stubgen.spelling import Speller, Unnameable
from typed_waffle.stubgen.target import found

__all__ = ["SIGNATURE", "generated"]

SIGNATURE = "# Written by `python -m typed_waffle.stubgen "
"""How the first line begins of every file that was written by this."""

HEAD = """\
{signature}{target}`: run that again, do not edit.
# fmt: off
# ruff: noqa: PGH004
# ruff: noqa
# mypy: disable-error-code="override, explicit-override"
# pyright: reportIncompatibleMethodOverride=false, reportImplicitOverride=false
# pyright: reportPrivateUsage=false
"""

BODY = '''\
"""`{attribute}` of `{module}`: the same object, whose settings type checkers know by name."""

import typing

import {module} as _declared

if typing.TYPE_CHECKING:
{imports}

    class {name}Fields(typing.TypedDict, total=False):
        """What `update` and `override` take."""

{fields}

{names}

    _R = typing.TypeVar("_R")

    class {name}Edit({edit}[{model}]):
        def update(self, /, **fields: typing.Unpack[{name}Fields]) -> None: ...
        def reset(self, *fields: {name}Field) -> None: ...

    class {name}Snapshot({snapshot}[{model}]):
        def origin(
            self, field: {name}Field
        ) -> {origin}: ...

    class {name}Waffle({waffle}):
        def snapshot(self) -> {name}Snapshot: ...
        def history(
            self,
            *,
            field: {past} | None = None,
            limit: int = 50,
            before: int | None = None,
        ) -> tuple[{change}, ...]: ...
        def update(
            self, /, **fields: typing.Unpack[{name}Fields]
        ) -> {change} | None: ...
        def reset(self, *fields: {name}Field) -> {change} | None: ...
        @{contextlib}.contextmanager
        def edit(
            self,
            *,
            actor: str | None = None,
            note: str | None = None,
            expected_revision: int | None = None,
        ) -> {abc}.Generator[{name}Edit, None, None]: ...
        def override(
            self, /, **fields: typing.Unpack[{name}Fields]
        ) -> {override}[{model}]: ...
        def on_change(
            self, *fields: {name}Field
        ) -> {abc}.Callable[
            [{abc}.Callable[[{model}, {model}], _R]],
            {abc}.Callable[[{model}, {model}], _R],
        ]: ...

{attribute} = typing.cast("{name}Waffle", _declared.{attribute})
'''

SUFFIXES = ("Fields", "Field", "PastField", "Edit", "Snapshot", "Waffle")
METHODS = ("snapshot", "history", "update", "reset", "edit", "override", "on_change", "origin")
HINT = "Define it at the top level of a module, under its own name"


def generated(target: str) -> str:
    """The module for the `Waffle` at `package.module:attribute`, the same for the same model.

    Raises:
        ConfigurationError: the target names no `Waffle`.
        DeclarationError: a type in the model, or the model itself, cannot be named elsewhere.
    """
    meant = found(target)
    model: type[WaffleModel] = meant.waffle.model
    name = model.__name__.partition("[")[0].lstrip("_")
    ours = {f"{name}{suffix}" for suffix in SUFFIXES}
    speller = Speller({*facts(model), *METHODS, *ours, meant.attribute, "_declared", "_R"})
    words = {
        "model": _spelled(speller, model, None, model),
        "waffle": _base(speller, model, type(meant.waffle)),
        "edit": speller.spelled(Edit),
        "override": speller.spelled(Override),
        "snapshot": speller.spelled(Snapshot),
        "change": speller.spelled(Change),
        "origin": speller.spelled(Origin),
        "abc": speller.module("collections.abc"),
        "contextlib": speller.module("contextlib"),
    }
    fields = indent("\n".join(_fields(model, speller)) or "pass", " " * 8)
    imports = [line for line in speller.imports() if line != "import typing"]
    return HEAD.format(signature=SIGNATURE, target=meant) + BODY.format(
        name=name,
        module=meant.module,
        attribute=meant.attribute,
        imports=indent("\n".join(imports), " " * 4),
        fields=fields,
        names=indent("\n".join(_names(model, name)), " " * 4),
        past=f"{name}PastField" if _former(model) else f"{name}Field",
        **words,
    )


def _base(speller: Speller, model: type[WaffleModel], cls: Any) -> str:  # noqa: ANN401 - of any model
    """The class that is narrowed: the application's own, if it made one."""
    base = _spelled(speller, model, None, cls)
    return f"{base}[{speller.spelled(model)}]" if cls.__parameters__ else base


def _fields(model: type[WaffleModel], speller: Speller) -> Iterator[str]:
    for name, annotation in declared(model).items():
        yield f"{name}: {_spelled(speller, model, name, annotation)}"
        description = facts(model)[name].description
        if description:
            yield _docstring(description)


def _spelled(
    speller: Speller,
    model: type[WaffleModel],
    field: str | None,
    annotation: Any,  # noqa: ANN401 - annotations have no common type
) -> str:
    try:
        return speller.spelled(annotation)
    except Unnameable as error:
        why = f"{error}, so that no other module can name it"
    raise DeclarationError(model.__qualname__, field, why, HINT)


def _names(model: type[WaffleModel], name: str) -> Iterator[str]:
    yield from _choice(f"{name}Field: typing.TypeAlias = ", list(facts(model)))
    if _former(model):
        yield from _choice(f"{name}PastField: typing.TypeAlias = {name}Field | ", _former(model))


def _former(model: type[WaffleModel]) -> list[str]:
    return [fact.renamed_from for fact in facts(model).values() if fact.renamed_from is not None]


def _choice(begin: str, names: list[str]) -> list[str]:
    if not names:
        return [f"{begin}typing.Never"]
    return [f"{begin}typing.Literal[", *[f'    "{name}",' for name in names], "]"]


def _docstring(text: str) -> str:
    """A string literal that means the text, over as many lines."""
    escaped = re.sub(r'"(?="|\Z)', r"\"", text.replace("\\", r"\\"))
    shown = "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in escaped
    )
    return f'"""{shown}"""'
