"""Settings that are given as a `**mapping`."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from shop import waffle


class Right(TypedDict):
    site_name: str
    page_size: NotRequired[int]


class Loose(TypedDict, total=False):
    note: str
    sitename: str


class Wrong(TypedDict):
    page_size: str


class Few(TypedDict):
    note: NotRequired[int]


def plain(
    anything: dict[str, Any],  # Any: as from JSON
    objects: dict[str, object],
    texts: Mapping[str, str],
    numbers: dict[str, int],
) -> None:
    waffle.update(**anything)
    waffle.update(**objects)
    waffle.update(**texts)
    waffle.update(page_size=3, **numbers)
    waffle.update(**objects, **texts)
    waffle.update(sitename=1, **objects)  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]
    waffle.update(page_size="x", **objects)  # E: Setting "page_size" of "Settings" is "int", not "str"  [waffle-value]


def typed(right: Right, loose: Loose, wrong: Wrong, few: Few) -> None:
    waffle.update(**right)
    waffle.update(**right, note="x")
    waffle.update(**loose)  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]
    waffle.update(**wrong)  # E: Setting "page_size" of "Settings" is "int", not "str"  [waffle-value]
    with waffle.edit() as edit:
        edit.update(**few)  # E: Setting "note" of "Settings" is "str | None", not "int"  [waffle-value]


waffle.update(**{"site_name": "x", "page_size": 3})
waffle.update(**{"site_name": "x", "page_size": "3"})  # E: Setting "page_size" of "Settings" is "int", not "str"  [waffle-value]
waffle.update(**{"sitename": "x"})  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]
waffle.update(**dict(site_name="x"))
