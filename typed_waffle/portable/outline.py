"""Outline: into which parts settings are taken apart in a file, so that a part may be left out."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from typed_waffle.parts import members, named_parts
from typed_waffle.paths import Path

__all__ = ["below", "sections", "whole"]


def sections(info: FieldInfo) -> dict[str, FieldInfo]:
    """The parts of what is always of one model or dataclass; none of anything else."""
    return dict(named_parts(info)) if len(list(members(info.annotation))) == 1 else {}


def whole(info: FieldInfo, data: object) -> bool:
    """Whether plain data has just the parts that are declared, at every depth."""
    parts = sections(info)
    if not parts or not isinstance(data, dict):
        return True
    return parts.keys() == data.keys() and all(whole(parts[n], data[n]) for n in parts)


def below(path: Path) -> Iterator[Path]:
    """The leaves below a path: itself if it has no parts."""
    parts = sections(path.info)
    if not parts:
        yield path
    for name, info in parts.items():
        yield from below(Path(path.field, (*path.keys, name), info))
