"""Names of settings that are given as texts."""

from typing import Final, Literal

from shop import Settings, waffle

SITE: Final = "site_name"
SIGHT: Final = "sight_name"
Known = Literal["site_name", "page_size"]
Unknown = Literal["site_name", "pagesize"]

# --- what is right --------------------------------------------------------------------------------

waffle.reset("site_name", "page_size", SITE)
waffle.reset()
waffle.reset(*("site_name", "note"))
waffle.history(field="site_name")
waffle.history(field="per_page")
waffle.history(field=None, limit=3)
waffle.history()
waffle.snapshot().origin("site_name")
waffle.snapshot().origin(field="note")

with waffle.edit() as edit:
    edit.reset("site_name", SITE)


@waffle.on_change("site_name", "self")
def renamed(old: Settings, new: Settings) -> None: ...


@waffle.on_change()
def changed(old: Settings, new: Settings) -> None: ...


def told(name: str, names: list[str], known: Known) -> None:
    waffle.reset(name, *names, known)
    waffle.history(field=known)


# --- what is wrong --------------------------------------------------------------------------------

waffle.reset("sitename")  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]
waffle.reset("note", "nope", "fields")  # E: "Settings" has no setting "nope"; did you mean "note"?  [waffle-unknown]
waffle.reset(SIGHT)  # E: "Settings" has no setting "sight_name"; did you mean "site_name"?  [waffle-unknown]
waffle.reset(*("site_name", "nope"))  # E: "Settings" has no setting "nope"; did you mean "note"?  [waffle-unknown]
waffle.reset("per_page")  # E: "Settings" has no setting "per_page"; it is "page_size" now  [waffle-unknown]
waffle.reset("smtp.host")  # E: "Settings" has no setting "smtp.host"; it is a part of "smtp", and a setting is named as a whole  [waffle-unknown]
waffle.reset("")  # E: "Settings" has no setting ""  [waffle-unknown]
waffle.reset("limit")  # E: "Settings" has no setting "limit"  [waffle-unknown]
waffle.history(field="pagesize")  # E: "Settings" has no setting "pagesize"; did you mean "page_size"?  [waffle-unknown]
waffle.history(field="smtp.port")  # E: "Settings" has no setting "smtp.port"; it is a part of "smtp", and a setting is named as a whole  [waffle-unknown]
waffle.snapshot().origin("per_page")  # E: "Settings" has no setting "per_page"; it is "page_size" now  [waffle-unknown]
waffle.snapshot().origin(field="nope")  # E: "Settings" has no setting "nope"; did you mean "note"?  [waffle-unknown]
waffle.reset("nope")  # type: ignore[waffle-unknown]

with waffle.edit() as edit:
    edit.reset("nope")  # E: "Settings" has no setting "nope"; did you mean "note"?  [waffle-unknown]


@waffle.on_change("sitename")  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]
def misnamed(old: Settings, new: Settings) -> None: ...


def untold(unknown: Unknown) -> None:
    waffle.reset(unknown)  # E: "Settings" has no setting "pagesize"; did you mean "page_size"?  [waffle-unknown]
