"""`override`, which takes settings as `update` does."""

from shop import waffle

with waffle.override(site_name="x", prices={}, tags=["a"]):
    pass

waffle.override(sitename="x")  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]

with waffle.override(page_size="x"):  # E: Setting "page_size" of "Settings" is "int", not "str"  [waffle-value]
    pass


@waffle.override(page_size=3)
def right(name: str) -> int:
    return len(name)


@waffle.override(pagesize=3)  # E: "Settings" has no setting "pagesize"; did you mean "page_size"?  [waffle-unknown]
def wrong(name: str) -> int:
    return len(name)


def of_both() -> None:
    with waffle.override(theme="blue"), waffle.override(note=3):  # E: Setting "theme" of "Settings" is "Literal['light', 'dark']", not "str"  [waffle-value]  # E: Setting "note" of "Settings" is "str | None", not "int"  [waffle-value]
        right("x")
