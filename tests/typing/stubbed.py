"""What both type checkers know through a module that stubgen wrote."""

from pathlib import Path
from typing import TYPE_CHECKING, Unpack, assert_type

from pydantic import ByteSize, Secret, SecretStr

from tests.typing.everything import Box, Cat, Pair, Planet, Point, Settings
from tests.typing.everything_typed import everything
from typed_waffle import Change, Waffle

if TYPE_CHECKING:
    from tests.typing.everything_typed import SettingsField, SettingsFields

# --- it is the same -------------------------------------------------------------------------------


def taken(waffle: Waffle[Settings]) -> Settings:
    """Take any Waffle of the model."""
    return waffle.current_settings


assert_type(taken(everything), Settings)
assert_type(everything.current_settings.folder, Path)
with everything.pinned() as settings:
    assert_type(settings, Settings)

# --- update ---------------------------------------------------------------------------------------

assert_type(everything.update(site_name="Crêpe", max_filesize=ByteSize(1)), Change | None)
everything.update(held=(Planet.EARTH,), label=Planet.MARS, spares=[(Planet.EARTH,)])
everything.update(prices={"x": {Planet.EARTH: 1}}, limits={"x": (1, 2)}, names=["a"])
everything.update(password=SecretStr("x"), pin=Secret(1), note=None, mode="off")
everything.update(animal=Cat(), point=Point(), corner=Pair(), box=Box[int](held=1))
everything.update(update=1, int=True, tests="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

everything.update(sitename="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
everything.update(per_page=20)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
everything.update(site_name=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.update(site_name=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.update(max_filesize="1 MB")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.update(password="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.update(held=("EARTH",))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.update(spares=[Planet.EARTH])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
everything.update(mode="perhaps")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.update(box=Box[str]())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.update(planets={1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

everything.update(prices={"x": {"EARTH": 1}})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]


def save(*gone: "SettingsField", **fields: "Unpack[SettingsFields]") -> Change | None:
    """Hand on what is typed as it is there."""
    everything.reset(*gone)
    return everything.update(**fields)


save("site_name", "update", site_name="x", update=1)
save("sitename", site_name="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
save(sitename="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# --- names ----------------------------------------------------------------------------------------

assert_type(everything.reset("site_name", "held", "update"), Change | None)
assert_type(everything.history(field="per_page", limit=1), tuple[Change, ...])
everything.history(field="page_size", before=3)
everything.history()

everything.reset("sitename")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.reset("site_name", "per_page")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
everything.history(field="sitename")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

everything.snapshot().origin("site_name")
assert_type(everything.snapshot().settings, Settings)
everything.snapshot().origin("sitename")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# --- edit -----------------------------------------------------------------------------------------

with everything.edit(actor="ada", note="a test", expected_revision=1) as edit:
    edit.update(site_name="Crêpe", update=1)
    edit.reset("site_name")
    edit.update(sitename="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    edit.update(update="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    edit.reset("sitename")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(edit.change, Change | None)

with everything.connect({}) as connected:
    connected.update(sitename="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# --- override -------------------------------------------------------------------------------------

with everything.override(site_name="Crêpe", note=None) as overridden:
    assert_type(overridden, Settings)


@everything.override(update=1)
def test_something(number: int) -> str:
    """Keep the signature of what is decorated."""
    return str(number)


assert_type(test_something(1), str)
everything.override(sitename="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
everything.override(site_name=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# --- callbacks ------------------------------------------------------------------------------------


@everything.on_change("site_name")
def renamed(old: Settings, new: Settings) -> str:
    """Take the two settings; a decorated function keeps its type."""
    return old.site_name + new.site_name


assert_type(renamed(Settings(), Settings()), str)


@everything.on_change("sitename")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def unknown(old: Settings, new: Settings) -> None:
    """Wait for a field that there is not."""


@everything.on_change("site_name")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def wrong_parameter(old: Settings, new: str) -> None:
    """Expect what no callback is given."""
