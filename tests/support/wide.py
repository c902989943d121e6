"""Wide: a model of a thousand settings."""

from __future__ import annotations

from typing import Any

from pydantic import create_model

from typed_waffle import WaffleModel

__all__ = ["Wide"]

_KINDS: tuple[tuple[type[Any], Any], ...] = (
    (int, 0),
    (str, "text"),
    (bool, False),
    (float, 0.5),
    (tuple[str, ...], ("one", "two")),
)


def _group(number: int) -> type[WaffleModel]:
    fields: dict[str, Any] = {
        f"field_{100 * number + at}": _KINDS[at % len(_KINDS)] for at in range(100)
    }
    made: type[WaffleModel] = create_model(f"Group{number}", __base__=WaffleModel, **fields)
    return made


_groups: dict[str, Any] = {f"group_{n}": (group := _group(n), group()) for n in range(10)}

Wide: type[WaffleModel] = create_model("Wide", __base__=WaffleModel, **_groups)
"""Ten groups of a hundred settings of five kinds."""
