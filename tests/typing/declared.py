"""What both type checkers know of a settings model, without a plugin."""

from collections.abc import Mapping, Sequence
from typing import Annotated, assert_type

from pydantic import ByteSize, Field, SecretStr

from typed_waffle import Change, FieldChange, Snapshot, Status, Waffle, WaffleModel
from typed_waffle.model import Setting


class Smtp(WaffleModel):
    """A nested model."""

    host: str = "localhost"
    port: int = 25


class Settings(WaffleModel):
    """The README's model, and a field of each other kind."""

    site_name: Annotated[str, Field(min_length=1, max_length=40)] = "Waffle"
    max_filesize: ByteSize = ByteSize(1_000)
    maintenance: bool = False
    smtp_password: SecretStr = SecretStr("")
    smtp: Smtp = Smtp()
    prices: Mapping[str, int] = {}
    tags: Sequence[str] = ()
    note: str | None = None
    page_size: Annotated[int, Setting(renamed_from="per_page")] = 20


waffle = Waffle(Settings)
current_settings = waffle.current_settings

# --- what is read ---------------------------------------------------------------------------------

assert_type(waffle, Waffle[Settings])
assert_type(current_settings, Settings)
assert_type(current_settings.site_name, str)
assert_type(current_settings.max_filesize, ByteSize)
assert_type(current_settings.maintenance, bool)
assert_type(current_settings.smtp_password, SecretStr)
assert_type(current_settings.smtp.port, int)
assert_type(current_settings.prices, Mapping[str, int])
assert_type(current_settings.tags, Sequence[str])
assert_type(current_settings.note, str | None)
assert_type(current_settings.page_size, int)

current_settings.sitename  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

# --- what cannot be written -----------------------------------------------------------------------

current_settings.site_name = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
current_settings.smtp.port = 587  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
current_settings.prices["waffle"] = 3  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
current_settings.prices.update(waffle=3)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
current_settings.tags.append("new")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

# --- what is constructed --------------------------------------------------------------------------

Settings(site_name="Crêpe", maintenance=True)
Settings(sitename="Crêpe")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Settings(maintenance="perhaps")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Settings("Crêpe")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Waffle(str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]

# --- snapshots and pins ---------------------------------------------------------------------------

snapshot = waffle.snapshot()
assert_type(snapshot, Snapshot[Settings])
assert_type(snapshot.settings, Settings)
assert_type(snapshot.settings.site_name, str)
assert_type(snapshot.revision, int)
snapshot.revision = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

with waffle.pinned() as settings:
    assert_type(settings, Settings)

with waffle.connect({}) as connected:
    assert_type(connected, Waffle[Settings])
    assert_type(connected.current_settings.site_name, str)

# --- changes --------------------------------------------------------------------------------------

change = waffle.update(site_name="Crêpe")
assert_type(change, Change | None)
assert_type(waffle.reset("site_name"), Change | None)
change.revision  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
waffle.reset(site_name="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

with waffle.edit(actor="ada", note="a test", expected_revision=1) as edit:
    edit.update(site_name="Crêpe")
    edit.reset("maintenance")
assert_type(edit.change, Change | None)
waffle.edit("ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

for past in waffle.history(field="site_name", limit=10, before=5):
    assert_type(past, Change)
    assert_type(past.fields, tuple[FieldChange, ...])

assert_type(waffle.status(), Status)

# --- callbacks ------------------------------------------------------------------------------------


@waffle.on_change("site_name")
def renamed(old: Settings, new: Settings) -> str:
    """Take the two settings; a decorated function keeps its type."""
    assert_type(old.site_name, str)
    return new.site_name


assert_type(renamed(Settings(), Settings()), str)


@waffle.on_change()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def wrong_parameter(old: Settings, new: str) -> None:
    """Expect what no callback is given."""


@waffle.on_change()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def one_parameter(new: Settings) -> None:
    """Expect less than a callback is given."""
