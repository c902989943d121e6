"""Variables: which field, or which part of one, each environment variable of a prefix names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic.fields import FieldInfo

from typed_waffle.model import WaffleModel, facts
from typed_waffle.parts import bare, found_part, named_parts

__all__ = ["Assigned", "Variable", "assigned", "utf8"]

_BETWEEN = "__"
"""What stands between a field and the name of a part of it."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that names a field, or a part of one."""

    name: str
    path: tuple[str, ...]
    """The names that lead from the field to the part; empty for the whole field."""
    info: FieldInfo = field(repr=False)
    """What may stand there."""
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Assigned:
    """What the variables of one prefix name."""

    fields: Mapping[str, tuple[Variable, ...]]
    """The variables of each field; one for a part stands after those for more than it."""
    strays: Mapping[str, str | None]
    """The variables that pin nothing, and why, or which were probably meant."""


def assigned(model: type[WaffleModel], prefix: str, environ: Mapping[str, str]) -> Assigned:
    """Sort the variables that begin with `prefix`, in any case, by the field that they name.

    Of some that differ only by case the first in the order of code points counts, which is the one
    in capitals if there is one. The others are strays.
    """
    begin = prefix.lower()
    spellings: dict[str, list[str]] = {}
    for name in sorted(environ):
        if name.lower().startswith(begin):
            spellings.setdefault(name.lower()[len(begin) :], []).append(name)
    fields: dict[str, tuple[Variable, ...]] = {}
    strays: dict[str, str | None] = {}
    for rest, (name, *twins) in sorted(spellings.items()):
        strays |= dict.fromkeys(twins, f"{name} is set")
        owners, keys = _owners(model, rest) if utf8(name) else ([], [])
        found = [(owner, there) for owner in owners if (there := _followed(model, owner, keys))]
        for owner, (path, info) in found:
            here = Variable(name, path, info, environ[name])
            fields[owner] = (*fields.get(owner, ()), here)
        if not found:
            strays[name] = _nearest(model, prefix, rest)
    return Assigned(fields, strays)


def utf8(text: str) -> bool:
    """Whether a name or a value of the environment, which are bytes, was UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _owners(model: type[WaffleModel], rest: str) -> tuple[list[str], list[str]]:
    """The field (or those that differ only by case), and the keys that lead on from it."""
    lowered: dict[str, list[str]] = {}
    for name in facts(model):
        lowered.setdefault(name.lower(), []).append(name)
    if rest in lowered:
        return lowered[rest], []
    owner = max((n for n in lowered if rest.startswith(n + _BETWEEN)), key=len, default=None)
    if owner is None:
        return [], []
    return lowered[owner], rest[len(owner) + len(_BETWEEN) :].split(_BETWEEN)


def _followed(
    model: type[WaffleModel], owner: str, keys: Iterable[str]
) -> tuple[tuple[str, ...], FieldInfo] | None:
    path: list[str] = []
    info = _whole(model, owner)
    for key in keys:
        part = found_part(info, key)
        if part is None:
            return None
        path.append(part[0])
        info = part[1]
    return tuple(path), info


def _whole(model: type[WaffleModel], name: str) -> FieldInfo:
    return FieldInfo.from_annotation(bare(model.model_fields[name]))


def _nearest(model: type[WaffleModel], prefix: str, rest: str) -> str | None:
    renamed = {f.renamed_from.lower(): f.name for f in facts(model).values() if f.renamed_from}
    if rest in renamed:
        return f"did you mean {prefix}{renamed[rest].upper()}?"
    owners, keys = _owners(model, rest)
    known: list[str] = []
    for owner in facts(model):
        known.append(owner.upper())
        known += _below(_whole(model, owner), owner.upper(), keys if owner in owners else [])
    close = difflib.get_close_matches(rest.upper(), known, n=1)
    meant = close[0] if close else owners[0].upper() if owners else None
    return f"did you mean {prefix}{meant}?" if meant else None


def _below(info: FieldInfo, begin: str, keys: list[str]) -> Iterator[str]:
    """What names a part, or a part of the one that the keys lead to."""
    yield from (f"{begin}{_BETWEEN}{name.upper()}" for name, _ in named_parts(info))
    part = found_part(info, keys[0]) if keys else None
    if part is not None:
        yield from _below(part[1], f"{begin}{_BETWEEN}{part[0].upper()}", keys[1:])
