"""Mistakes, each said on its line: checkers read this file, nobody runs it.

`tests/test_mistakes.py` makes the table of `docs/mypy.md` of what they say.
"""

from pydantic import BaseModel

from tests.mistakes.shop import Settings, waffle
from typed_waffle import Waffle, WaffleModel

current_settings = waffle.current_settings

# --- reading --------------------------------------------------------------------------------------

print(current_settings.sitename)  # mistake: reading a name that the model lacks
print(current_settings.smtp.hots)  # mistake: the same in a nested model
number: int = current_settings.site_name  # mistake: taking a text for a number
print(current_settings.note.upper())  # mistake: forgetting that a value may be `None`
print(current_settings.maintenance == "yes")  # mistake: comparing with what it never equals
print(current_settings.smtp_password.upper())  # mistake: taking a secret for a text

# --- writing where one reads ----------------------------------------------------------------------

current_settings.page_size = 50  # mistake: assigning to a setting
current_settings.smtp.port = 587  # mistake: assigning to a nested one
waffle.snapshot().settings.page_size = 50  # mistake: assigning to one of a snapshot
current_settings.prices["waffle"] = 3  # mistake: writing into a mapping
current_settings.tags.append("new")  # mistake: appending to a tuple

# --- changing -------------------------------------------------------------------------------------

waffle.update(sitename="Crêpe")  # mistake: `update` of a name that the model lacks
waffle.update(page_size="many")  # mistake: `update` with a value of another type
waffle.update(site_name=None)  # mistake: `update` with `None` where it may not be
waffle.update(theme="drak")  # mistake: `update` with none of the choices
waffle.update(smtp={"host": "mail"})  # mistake: `update` of a nested model by a mapping
waffle.update(prices={"waffle": "free"})  # mistake: `update` with a wrong type inside a mapping
waffle.update(smtp_password="hunter2")  # mistake: `update` of a secret by a plain text
waffle.update(page_size=50).revision  # mistake: forgetting that nothing may have changed
waffle.reset("sitename")  # mistake: `reset` of a name that the model lacks
waffle.reset(site_name="")  # mistake: `reset` with a value
with waffle.edit(expected_revision=waffle.snapshot()) as edit:  # mistake: a snapshot for a revision
    edit.update(sitename="Crêpe")  # mistake: `edit.update` of a name that the model lacks
    edit.update(page_size="many")  # mistake: `edit.update` with a value of another type
    edit.reset("sitename")  # mistake: `edit.reset` of a name that the model lacks

# --- looking back ---------------------------------------------------------------------------------

waffle.history(field="sitename")  # mistake: the history of a name that the model lacks
waffle.history(field="smtp.host")  # mistake: the history of a part of a setting
waffle.snapshot().origin("sitename")  # mistake: the origin of a name that the model lacks

# --- listening ------------------------------------------------------------------------------------


@waffle.on_change("sitename")  # mistake: `on_change` of a name that the model lacks
def wrong_name(old: Settings, new: Settings) -> None:
    """Expect a change that never comes."""


@waffle.on_change("site_name")  # mistake: a callback that takes something else
def wrong_types(old: str, new: str) -> None:
    """Expect the values instead of the settings."""


@waffle.on_change("site_name")  # mistake: a callback that takes too little
def wrong_number(new: Settings) -> None:
    """Expect the new settings only."""


# --- testing --------------------------------------------------------------------------------------

with waffle.override(sitename="Crêpe"):  # mistake: `override` of a name that the model lacks
    pass
with waffle.override(page_size="many"):  # mistake: `override` with a value of another type
    pass
waffle.override(page_size=50)("a text")  # mistake: `override` as the decorator of no function

# --- declaring ------------------------------------------------------------------------------------

Settings(sitename="Crêpe")  # mistake: making settings of a name that the model lacks
Settings(page_size="many")  # mistake: making settings of a value of another type


class Careless(WaffleModel):
    """Refused when it is made."""

    site_name: str  # mistake: declaring a setting without a default
    tags: list[str] = []  # mistake: declaring a type that can be mutated
    page_size: int = "20"  # mistake: declaring a default of another type


class Plain(BaseModel):
    """Not a settings model."""


Waffle(Plain)  # mistake: a `Waffle` of a model of another kind
