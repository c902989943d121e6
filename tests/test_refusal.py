"""What a refusal may tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

import pytest
from pydantic import (
    AfterValidator,
    Field,
    Secret,
    SecretBytes,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from tests.support.models import CANARY, Shop, Smtp
from typed_waffle import WaffleModel
from typed_waffle.frozendict import FrozenDict
from typed_waffle.refusal import (
    details,
    fault,
    lost,
    no_json_form,
    plaintexts,
    reasons,
    secrets_of,
    summary,
)
from typed_waffle.values import MASK


def quoting(value: SecretStr) -> SecretStr:
    """Puts the secret into its message, as careless validators do."""
    raise ValueError(f"{value.get_secret_value()} is weak")


def half_quoting(value: SecretStr) -> SecretStr:
    """Puts half of the secret into a message of its own kind."""
    raise PydanticCustomError("weak", "{half}... is weak", {"half": CANARY[:7]})


def optional(value: SecretStr | None) -> SecretStr | None:
    """Lets the default pass."""
    return value if value is None else quoting(value)


class Vault(WaffleModel):
    """Secrets in every way, and rules that quote them."""

    plain: str = "plain"
    key: Annotated[SecretStr, Field(max_length=30)] = SecretStr("")
    weak: Annotated[SecretStr | None, AfterValidator(optional)] = None
    half: Annotated[SecretStr, AfterValidator(half_quoting)] | None = None
    number: Secret[int] = Secret(0)
    many: tuple[SecretStr, ...] = ()
    named: Mapping[str, SecretStr] = {}
    smtp: Smtp = Smtp()
    preset: SecretStr = SecretStr("preset-canary")
    rule: str = ""

    @field_validator("plain")
    @classmethod
    def plain_is_plain(cls, value: str) -> str:
        """A rule of a field that is no secret."""
        if value == "bad":
            raise ValueError("it must not be bad")
        return value

    @model_validator(mode="after")
    def quotes(self) -> Self:
        """Rules across fields, each quoting a secret in its own way."""
        match self.rule:
            case "message":
                raise ValueError(f"not with {self.key.get_secret_value()}")
            case "context":
                raise PydanticCustomError("mine", "no", {"key": self.key.get_secret_value()})
            case "preset":
                raise ValueError(f"not with {self.preset.get_secret_value()}")
            case "assert":
                assert not self.rule, f"not with {self.key.get_secret_value()}"
            case "harmless":
                raise ValueError("not like that")
        return self


def refused(values: Mapping[str, Any]) -> list[ErrorDetails]:
    """The safe details of a refusal of these values."""
    with pytest.raises(ValidationError) as error:
        Vault(**values)
    return details(Vault, error.value, secrets_of(Vault, values))


LEAKS: list[dict[str, Any]] = [
    {"key": CANARY * 3},
    {"key": [CANARY]},
    {"weak": CANARY},
    {"half": CANARY},
    {"number": CANARY},
    {"many": [CANARY, 5]},
    {"many": CANARY},
    {"named": {"a": [CANARY]}},
    {"smtp": {"password": [CANARY]}},
    {"smtp": {"password": CANARY, "port": 0}},
    {"smtp": CANARY},
    {"key": CANARY, "rule": "message"},
    {"key": CANARY, "rule": "context"},
    {"key": CANARY, "rule": "assert"},
    {"key": SecretStr(CANARY), "rule": "message"},
]


@pytest.mark.parametrize("values", LEAKS, ids=repr)
def test_a_secret_is_nowhere_in_a_refusal(values: dict[str, Any]) -> None:
    """Not in the input, the message, the context or the summary (FAULTS X4)."""
    found = refused(values)

    assert CANARY[:7] not in f"{found}{summary(found)}{reasons(found)}"


def test_a_default_secret_is_not_quoted_either() -> None:
    """It is in force as much as a stored one."""
    assert "preset-canary" not in str(refused({"rule": "preset"}))


def test_a_message_that_quotes_no_secret_is_kept() -> None:
    """People must learn which rule it was."""
    found = refused({"rule": "harmless", "key": CANARY})

    assert [d["msg"] for d in found] == ["not like that"]


def test_pydantics_own_message_about_a_secret_is_kept() -> None:
    """It speaks of lengths and types, not of values."""
    found = refused({"key": "x" * 31})

    assert "at most 30 items after validation, not 31" in found[0]["msg"]
    assert found[0]["input"] == MASK


def test_a_short_secret_hides_only_messages_in_which_it_is_a_word() -> None:
    """A default of 0 would hide every message with a number in it."""
    assert "30" in refused({"key": "x" * 31, "number": 3})[0]["msg"]
    assert "hidden" in refused({"key": "not", "rule": "message"})[0]["msg"]


def test_a_hidden_message_says_why_it_is_hidden() -> None:
    """Otherwise it would look like our fault."""
    assert "hidden, because a secret is in it" in refused({"weak": CANARY})[0]["msg"]


def test_a_refused_plain_field_shows_its_value_and_rule() -> None:
    """Field, value, rule: without Pydantic's prefix."""
    assert refused({"plain": "bad"}) == [
        {"type": "value_error", "loc": ("plain",), "msg": "it must not be bad", "input": "bad"}
    ]


def test_pydantics_context_of_a_plain_field_is_kept() -> None:
    """A surface can tell people the bound."""
    with pytest.raises(ValidationError) as error:
        Shop(smtp={"port": 0}, name="")  # type: ignore[arg-type] # as Pydantic takes it
    found = details(Shop, error.value, ())

    assert next(d for d in found if d["loc"] == ("name",))["ctx"] == {"min_length": 1}


def test_a_rule_across_fields_shows_no_input() -> None:
    """Its input would be all the settings."""
    assert refused({"rule": "harmless"})[0]["input"] is None


def test_the_summary_says_field_value_rule_and_next_step() -> None:
    """One sentence for each fault, and what to do."""
    with pytest.raises(ValidationError) as error:
        Shop(low="x", smtp=Smtp(), limits={"x": ["y"]})  # type: ignore[arg-type, list-item] # that is the case
    text = summary(details(Shop, error.value, ()))

    assert text == (
        "low = 'x' is refused: Input should be a valid integer, unable to parse string as an "
        "integer; limits.x.0 = 'y' is refused: Input should be a valid integer, unable to parse "
        "string as an integer. Nothing was written: correct it and try again."
    )


def test_the_summary_names_a_rule_across_settings() -> None:
    """No field is at fault alone."""
    assert summary(refused({"rule": "harmless"})).startswith(
        "a rule across settings refuses the change: not like that."
    )


def test_the_summary_cuts_long_values() -> None:
    """A message fits on a screen and in a log line."""
    assert len(summary([fault("name", "x" * 100_000, "too long", secret=False)])) < 250


@pytest.mark.parametrize("text", ["{{7*7}}", "{0.__class__}", "%(x)s", "a\r\nb", "\x1b[31m"])
def test_the_summary_shows_hostile_text_escaped(text: str) -> None:
    """One line, whatever the value holds (FAULTS X10)."""
    shown = summary([fault("name", text, "bad", secret=False)])

    assert repr(text) in shown
    assert shown.isprintable()


class Awkward:
    """A value that neither compares nor shows itself."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_the_summary_survives_an_awkward_value() -> None:
    """The refusal must not fail because of what it refuses."""
    assert "Awkward" in summary([fault("name", Awkward(), "bad", secret=False)])
    assert "<int>" in summary([fault("name", 10**5000, "bad", secret=False)])
    assert plaintexts([10**5000]) == {"<int>"}


def test_the_summary_tells_the_first_of_very_many_faults() -> None:
    """A tuple may have as many wrong items as it has items."""
    many = [fault("name", n, "bad", secret=False) for n in range(1000)]

    shown = summary(many)

    assert "name = 9 is refused" in shown
    assert "; and 990 more. Nothing was written" in shown
    assert "name = 10 " not in shown


def test_the_summary_cuts_long_paths() -> None:
    """The key of a mapping is part of the path."""
    where: ErrorDetails = {"type": "x", "loc": ("name", "k" * 1000), "msg": "bad", "input": 1}

    assert len(summary([where])) < 300


def test_a_value_without_json_form_says_why_unless_it_is_secret() -> None:
    """What the serialiser says may quote the value."""
    error = ValueError(f"Error serializing to JSON: ValueError:\n  {CANARY} is odd {'x' * 500}")

    assert f"it has no JSON form (ValueError: {CANARY}" in no_json_form(error, secret=False)
    assert len(no_json_form(error, secret=False)) < 250
    assert no_json_form(error, secret=True) == "it has no JSON form"


def test_a_lost_value_is_shown_with_what_would_be_loaded() -> None:
    """And with the types, if those differ."""
    assert lost("name", "1", 1, secret=False)["msg"] == (
        "it does not survive JSON: every worker would load 1 (int, not str)"
    )
    assert lost("name", (1,), (2,), secret=False)["msg"].endswith("would load (2,)")
    assert lost("name", CANARY, CANARY, secret=True) == fault(
        "name", MASK, "it does not survive JSON", secret=True
    )


def test_a_fault_of_our_own_masks_a_secret() -> None:
    """It has the same shape as Pydantic's."""
    assert fault("key", CANARY, "too long", secret=True) == {
        "type": "value_error",
        "loc": ("key",),
        "msg": "too long",
        "input": MASK,
    }


def test_reasons_name_the_top_level_field() -> None:
    """The empty name stands for a rule across fields."""
    found = [*refused({"smtp": {"port": 0}}), *refused({"rule": "harmless"})]

    assert reasons(found) == {
        "smtp": "Input should be greater than or equal to 1",
        "": "not like that",
    }


@dataclasses.dataclass(frozen=True)
class Box:
    part: str


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a", {"a"}),
        ("a'\n", {"a'\n", "a'\\n"}),
        ("", set()),
        (None, set()),
        (True, set()),
        (7, {"7"}),
        (date(2024, 1, 2), {"2024-01-02"}),
        (b"a", {"a"}),
        ("é".encode(), {"é", "\\xc3\\xa9"}),
        (SecretStr("a"), {"a"}),
        (SecretBytes(b"a"), {"a"}),
        (Secret((1, "b")), {"1", "b"}),
        (("a", ["b", {"c"}]), {"a", "b", "c"}),
        ({"key": "a"}, {"a"}),
        (FrozenDict({"key": "a"}), {"a"}),
        (Box("a"), {"a"}),
        (Smtp(host="h", password=SecretStr("p")), {"h", "25", "p"}),
    ],
)
def test_plaintexts_are_all_texts_in_a_value(value: object, texts: set[str]) -> None:
    """As they are, and as a repr in a message would show them."""
    assert plaintexts([value]) == texts
