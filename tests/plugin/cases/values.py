"""Keywords of `update`: their names, and the types of their values."""

from typing import Any, Final, Literal, assert_type

from pydantic import ByteSize, SecretStr
from shop import Later, Settings, Smtp, waffle

from typed_waffle import Change

SIZE: Final = 30
THEME: Final = "dark"

# --- what is right --------------------------------------------------------------------------------

assert_type(waffle.update(site_name="Crêpe", maintenance=True), Change | None)
waffle.update(page_size=SIZE, theme=THEME, discount=10)
waffle.update(max_filesize=ByteSize(2_000_000), smtp_password=SecretStr("x"))
waffle.update(smtp=Smtp(port=587), later=Later(when="soon"))
waffle.update(prices={}, tags=[], flags=set(), names=())
waffle.update(prices={"waffle": 3}, tags=["new"], flags={"a"}, names=("a", "b"))
waffle.update(note=None)
waffle.update(note="a note", ratio=1, theme="dark")
waffle.update(tags=[tag for tag in ("a", "b")], ratio=max(1, 2.5))
waffle.update(self=1, fields="x")
waffle.update()

with waffle.edit() as edit:
    edit.update(site_name="Crêpe", prices={}, self=2)


def of_any(value: Any) -> None:  # Any: nothing is known of it
    waffle.update(page_size=value, prices={"waffle": value})


def of_literal(theme: Literal["light", "dark"], note: str | None) -> None:
    waffle.update(theme=theme, note=note)


# --- names ----------------------------------------------------------------------------------------

waffle.update(sitename="Crêpe")  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]
waffle.update(colour="red")  # E: "Settings" has no setting "colour"  [waffle-unknown]
waffle.update(per_page=10)  # E: "Settings" has no setting "per_page"; it is "page_size" now  [waffle-unknown]
waffle.update(rate=0.1)  # E: "Settings" has no setting "rate"; did you mean "ratio"?  [waffle-unknown]
waffle.update(limit=4)  # E: "Settings" has no setting "limit"  [waffle-unknown]
waffle.update(title="x")  # E: "Settings" has no setting "title"  [waffle-unknown]
waffle.update(heading="x")  # E: "Settings" has no setting "heading"  [waffle-unknown]
waffle.update(greeting="x")  # E: "Settings" has no setting "greeting"  [waffle-unknown]
waffle.update(model_config={})  # E: "Settings" has no setting "model_config"  [waffle-unknown]
waffle.update(_private=1)  # E: "Settings" has no setting "_private"  [waffle-unknown]
waffle.update(sitename="x")  # type: ignore[waffle-unknown]

with waffle.edit() as edit:
    edit.update(sitename="Crêpe")  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]

# --- values ---------------------------------------------------------------------------------------

waffle.update(page_size="20")  # E: Setting "page_size" of "Settings" is "int", not "str"  [waffle-value]
waffle.update(page_size=None)  # E: Setting "page_size" of "Settings" is "int", not "None"  [waffle-value]
waffle.update(max_filesize="2 MB")  # E: Setting "max_filesize" of "Settings" is "ByteSize", not "str"  [waffle-value]
waffle.update(smtp_password="x")  # E: Setting "smtp_password" of "Settings" is "SecretStr", not "str"  [waffle-value]
waffle.update(smtp={"port": 587})  # E: Setting "smtp" of "Settings" is "Smtp", not "dict[str, int]"  [waffle-value]
waffle.update(prices={"waffle": "3"})  # E: Setting "prices" of "Settings" is "Mapping[str, int]", not "dict[str, str]"  [waffle-value]
waffle.update(tags=[1])  # E: Setting "tags" of "Settings" is "Sequence[str]", not "list[int]"  [waffle-value]
waffle.update(theme="blue")  # E: Setting "theme" of "Settings" is "Literal['light', 'dark']", not "str"  [waffle-value]
waffle.update(discount="10")  # E: Setting "discount" of "Settings" is "int", not "str"  [waffle-value]
waffle.update(names=("a", 1))  # E: Setting "names" of "Settings" is "tuple[str, ...]", not "tuple[str, int]"  [waffle-value]
waffle.update(later=Smtp())  # E: Setting "later" of "Settings" is "Later | None", not "Smtp"  [waffle-value]
waffle.update(note=1)  # E: Setting "note" of "Settings" is "str | None", not "int"  [waffle-value]
waffle.update(page_size="x")  # type: ignore[waffle-value]
waffle.update(
    site_name="Crêpe",
    page_size="20",  # E: Setting "page_size" of "Settings" is "int", not "str"  [waffle-value]
    sitename=1,  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]
)

with waffle.edit() as edit:
    edit.update(page_size="20")  # E: Setting "page_size" of "Settings" is "int", not "str"  [waffle-value]

# --- what mypy says itself, once ------------------------------------------------------------------

waffle.update(page_size=undefined)  # E: Name "undefined" is not defined  [name-defined]
waffle.update(prices={"waffle": len(1)})  # E: Argument 1 to "len" has incompatible type "int"; expected "Sized"  [arg-type]
waffle.update("site_name")  # E: Too many arguments for "update" of "Waffle"  [call-arg]
Settings(page_size="20")  # E: Argument "page_size" to "Settings" has incompatible type "str"; expected "int"  [arg-type]
