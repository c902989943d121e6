"""Fields that environment variables pin: how a text becomes a value, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    Secret,
    SecretBytes,
    SecretStr,
    Strict,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tests.support.compounds import Planet
from tests.support.models import CANARY, Foreign, Shop, Smtp, one, pinned
from typed_waffle import ConfigurationError, WaffleModel
from typed_waffle.environment import Pinned, locks
from typed_waffle.frozendict import FrozenDict
from typed_waffle.values import loaded, same


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


def split(value: object) -> object:
    """Take a text apart at its blanks."""
    return value.split() if isinstance(value, str) else value


def refused(model: type[WaffleModel], **environ: str) -> ConfigurationError:
    """What is raised; no secret is in it, nor in what it came from."""
    with pytest.raises(ConfigurationError) as caught:
        locks(model, "SHOP_", environ)
    assert not [e for e in chain(caught.value) if CANARY in f"{e} {e!r} {vars(e)}"]
    return caught.value


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


# --- one variable -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "default", "raw", "value"),
    [
        (str, "", "text", "text"),
        (str, "", "5", "5"),
        (str, "x", "", ""),
        (str, "", "null", "null"),
        (str, "", '"quoted"', '"quoted"'),
        (str, "", "é \U0001f9c7", "é \U0001f9c7"),
        (str | None, "x", "null", "null"),
        (int, 0, "5", 5),
        (int, 0, " 5 ", 5),
        (Annotated[int, Strict()], 0, "5", 5),
        (int | None, 0, "null", None),
        (float, 0.0, "1.5", 1.5),
        (bool, False, "true", True),
        (bool, False, "yes", True),
        (bool, True, "off", False),
        (Decimal, Decimal(0), "1.10", Decimal("1.10")),
        (Literal[1, 2], 1, "2", 2),
        (Literal["a", "b"], "a", "b", "b"),
        (Color, Color.RED, "blue", Color.BLUE),
        (Level, Level.LOW, "2", Level.HIGH),
        (Level | None, Level.LOW, "null", None),
        (timedelta, timedelta(0), "PT1H", timedelta(hours=1)),
        (timedelta, timedelta(0), "3600", timedelta(hours=1)),
        (Annotated[timedelta, Strict()], timedelta(0), "PT1H", timedelta(hours=1)),
        (date, date(1970, 1, 1), "2024-02-29", date(2024, 2, 29)),
        (datetime, datetime(1970, 1, 1, tzinfo=UTC), "2024-02-29T12:00:00Z", "2024-02-29 12:00"),
        (UUID, UUID(int=0), "00000000000000000000000000000001", UUID(int=1)),
        (PurePosixPath, PurePosixPath("/"), "/srv", PurePosixPath("/srv")),
        (ByteSize, ByteSize(0), "2 MB", ByteSize(2_000_000)),
        (bytes, b"", "aGk=", b"hi"),
        (SecretStr, SecretStr(""), "5", SecretStr("5")),
        (SecretStr | None, None, "x", SecretStr("x")),
        (SecretBytes, SecretBytes(b""), "aGk=", SecretBytes(b"hi")),
        (Secret[int], Secret(0), "5", Secret(5)),
        (Secret[tuple[int, ...]], Secret(()), "[1, 2]", Secret((1, 2))),
        (Sequence[int], (), "[1,2]", (1, 2)),
        (Sequence[int], (1,), "[]", ()),
        (Sequence[int] | None, (), "null", None),
        (AbstractSet[str], (), '["a"]', frozenset({"a"})),
        (tuple[int, str], (0, ""), '[1,"1"]', (1, "1")),
        (str | tuple[str, ...], "", "5", "5"),
        (str | tuple[str, ...], "", '["5"]', ("5",)),
        (Mapping[str, int], {}, '{"a":1}', FrozenDict({"a": 1})),
        (Mapping[str, Sequence[int]], {}, '{"A":[1]}', FrozenDict({"A": (1,)})),
        (Mapping[tuple[int, int], str], {}, '[[[1,2],"a"]]', FrozenDict({(1, 2): "a"})),
        (Annotated[float, Field(allow_inf_nan=True)], 0.0, "-inf", float("-inf")),
        (Planet, Planet.EARTH, "MARS", Planet.MARS),
        (Smtp, Smtp(port=1), '{"host":"h"}', Smtp(host="h")),
        (Smtp | None, None, '{"host":"h"}', Smtp(host="h")),
        (Smtp | None, Smtp(), "null", None),
        (Sequence[Smtp], (), '[{"host":"h"},{}]', (Smtp(host="h"), Smtp())),
        (Foreign, Foreign(), '{"sizes":[2]}', Foreign(sizes=(2,))),
        (Annotated[Sequence[int], BeforeValidator(split)], "1", "1 2", (1, 2)),
        (Annotated[Sequence[int], BeforeValidator(split)], "1", "[1, 2]", (1, 2)),
    ],
)
def test_a_variable_is_read_as_its_field_takes_it(
    annotation: Any,  # noqa: ANN401 - an annotation
    default: object,
    raw: str,
    value: object,
) -> None:
    """People write what they mean, without quoting: a text, or JSON where no text fits."""
    got = pinned(annotation, default, VALUE=raw)

    if annotation is datetime:
        got = format(got, "%Y-%m-%d %H:%M")
    assert same(got, value), got


def test_a_lock_names_its_variable_and_keeps_json() -> None:
    """The text is the one that a write would store."""
    assert locks(Shop, "SHOP_", {"SHOP_LOW": " 3"})["low"] == Pinned("SHOP_LOW", "3")


# --- rules ------------------------------------------------------------------------------------


def minutes(value: object) -> object:
    """A number is of minutes."""
    return f"PT{value}M" if str(value).isdigit() else value


class Ruled(WaffleModel):
    """Field rules that change a value or look at another, and a rule across fields."""

    wait: timedelta = timedelta(0)
    low: int = 0
    high: int = 10
    name: str = "a"

    _minutes = field_validator("wait", mode="before")(minutes)

    @field_validator("high")
    @classmethod
    def above(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data["low"]:
            raise ValueError("high is below low")
        return value

    @field_validator("name")
    @classmethod
    def lower(cls, value: str) -> str:
        assert issubclass(cls, WaffleModel)
        return value.lower()

    @model_validator(mode="before")
    @classmethod
    def given(cls, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("name") == "NO":
            raise ValueError("never")
        return data

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


def test_the_validators_of_a_field_see_what_was_written() -> None:
    """As they do in a write, and even if a rule across fields still fails."""
    found = locks(Ruled, "", {"WAIT": "30", "LOW": "20", "NAME": "B"})

    assert {name: lock.text for name, lock in found.items()} == {
        "wait": '"PT30M"',
        "low": "20",
        "name": '"b"',
    }


def test_the_validators_of_a_field_see_the_pinned_values_before_it() -> None:
    """In the order of the model."""
    assert locks(Ruled, "", {"HIGH": "-5", "LOW": "-10"})["high"].text == "-5"
    assert str(refused(Ruled, SHOP_HIGH="5", SHOP_LOW="7")).startswith("SHOP_HIGH: high = '5' is")


def test_a_rule_across_fields_is_judged_later() -> None:
    """One variable alone may break it, and two together not."""
    found = locks(Shop, "SHOP_", {"SHOP_LOW": "20", "SHOP_HIGH": "30"})

    assert loaded(Shop, {name: lock.text for name, lock in found.items()}).low == 20
    assert locks(Shop, "SHOP_", {"SHOP_LOW": "20"}).keys() == {"low"}


def test_a_strict_model_takes_texts() -> None:
    """There is nothing else in the environment."""
    model = one(timedelta, timedelta(0), strict=True)

    assert locks(model, "", {"VALUE": "PT1H"})["value"].text == '"PT1H"'


def test_a_name_that_pydantic_has_too_is_no_matter() -> None:
    """It said so when the model was made."""
    with pytest.warns(UserWarning, match="shadows"):

        class Settings(WaffleModel):
            json: int = 0  # type: ignore[assignment] # Pydantic has a method of this name

    assert locks(Settings, "", {"JSON": "1"})["json"].text == "1"


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "raw", "why"),
    [
        ("SHOP_LOW", "x", "low = 'x' is refused: Input should be a valid integer"),
        ("SHOP_LOW", "", "low = '' is refused: Input should be a valid integer"),
        ("SHOP_NAME", "", "name = '' is refused: String should have at least 1 character"),
        ("SHOP_TAGS", "a,b", "tags = 'a,b' is refused: it is not JSON"),
        ("SHOP_TAGS", "[" * 100_000, "tags = '[[["),
        ("SHOP_TAGS", "null", "tags = None is refused: Input should be a valid tuple"),
        ("SHOP_TAGS", "[1]", "tags.0 = 1 is refused: Input should be a valid string"),
        ("SHOP_LIMITS__X", "1,2", "limits.x = '1,2' is refused: it is not JSON"),
        ("SHOP_LIMITS__X", '["a"]', "limits.x.0 = 'a' is refused: Input should be a valid integer"),
        ("SHOP_SMTP", '{"port":0}', "smtp.port = ********** is refused: Input should be greater"),
        ("SHOP_SMTP__PORT", "0", "smtp.port = ********** is refused: Input should be greater than"),
        ("SHOP_NAME", "\udcff", "name = '\\udcff' is refused: it is not UTF-8"),
        ("SHOP_SMTP__HOST", "\udcff", "smtp.host = ********** is refused: it is not UTF-8"),
        ("SHOP_RATIO", "inf", "ratio = 'inf' is refused: Input should be a finite number"),
        ("SHOP_DIVISOR", "0", "divisor = '0' is refused: a validator raised ZeroDivisionError"),
    ],
)
def test_a_value_that_does_not_fit_is_a_configuration_error(
    variable: str, raw: str, why: str
) -> None:
    """It names the variable, the field, the value and the rule, and what to do."""
    error = refused(Shop, **{variable: raw})

    assert str(error).startswith(f"{variable}: {why}")
    assert str(error).endswith(". Correct it, or unset the variable.")
    assert error.key == variable
    assert len(str(error)) < 500


def test_of_several_variables_those_at_fault_are_named() -> None:
    """Each error is of the variable that is nearest to it."""
    given = {"SHOP_SMTP": '{"port": 0}', "SHOP_SMTP__HOST": "h", "SHOP_LOW": "1"}
    assert refused(Shop, **given).key == "SHOP_SMTP"

    both = {
        "SHOP_SERVERS__A__PORT": "0",
        "SHOP_SERVERS__B__PORT": "-1",
        "SHOP_SERVERS__B__HOST": "",
    }
    model = one(Mapping[str, Smtp], {})
    renamed = {name.replace("SERVERS", "VALUE"): raw for name, raw in both.items()}
    assert refused(model, **renamed).key == "SHOP_VALUE__A__PORT, SHOP_VALUE__B__PORT"


def test_a_rule_of_a_nested_model_names_all_its_variables() -> None:
    """Any of them may be at fault."""

    class Range(WaffleModel):
        low: int = 0
        high: int = 10

        @model_validator(mode="after")
        def in_order(self) -> Self:
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    error = refused(one(Range, Range()), SHOP_VALUE__LOW="3", SHOP_VALUE__HIGH="2")
    assert error.key == "SHOP_VALUE__HIGH, SHOP_VALUE__LOW"
    assert "is refused: low is above high" in str(error)


def grow(value: str) -> str:
    """Give another value each time."""
    return value + "!" if value else value


def test_what_could_not_be_stored_cannot_be_pinned() -> None:
    """A pinned value is kept as JSON, and must come back as it was."""
    model = one(Annotated[str, AfterValidator(grow)], "")

    assert "it does not survive JSON" in str(refused(model, SHOP_VALUE="a"))


# --- secrets ----------------------------------------------------------------------------------


def tell(value: SecretStr) -> SecretStr:
    """Quote the secret, as careless rules do."""
    raise ValueError(f"{value.get_secret_value()} is too short")


def explode(value: SecretStr) -> SecretStr:
    """Quote the secret in another kind of error."""
    raise KeyError(value.get_secret_value())


@pytest.mark.parametrize(
    ("annotation", "default", "environ"),
    [
        (Smtp, Smtp(), {"VALUE": f'{{"password":["{CANARY}"]}}'}),
        (Smtp, Smtp(), {"VALUE": f'{{"password":"{CANARY}",'}),
        (Smtp, Smtp(), {"VALUE__PASSWORD": CANARY, "VALUE__PORT": CANARY}),
        (Smtp, Smtp(), {"VALUE__PASSWORD": CANARY, "VALUE__HOST": "\udcff"}),
        (Secret[int], Secret(0), {"VALUE": CANARY}),
        (Secret[tuple[int, ...]], Secret(()), {"VALUE": CANARY}),
        (Secret[tuple[int, ...]], Secret(()), {"VALUE": f'["{CANARY}"]'}),
        (Annotated[SecretStr, Field(max_length=3)], SecretStr(""), {"VALUE": CANARY}),
        (Annotated[SecretStr, AfterValidator(tell)] | None, None, {"VALUE": CANARY}),
        (Annotated[SecretStr, AfterValidator(explode)] | None, None, {"VALUE": CANARY}),
        (SecretStr, SecretStr(""), {"VALUE": f"{CANARY}\udcff"}),
        (Mapping[str, SecretStr], {}, {"VALUE": CANARY}),
        (Mapping[str, SecretStr], {}, {"VALUE": f'{{"a":{{"b":"{CANARY}"}}}}'}),
    ],
)
def test_a_secret_variable_is_in_no_error(
    annotation: Any,  # noqa: ANN401 - an annotation
    default: object,
    environ: Mapping[str, str],
) -> None:
    """Not in the message, not in its attributes, and not in the error that it came from."""
    model = one(annotation, default)

    error = refused(model, **{f"SHOP_{name}": raw for name, raw in environ.items()})
    assert error.key.startswith("SHOP_VALUE")


def test_a_rule_of_another_field_tells_no_pinned_secret() -> None:
    """It is hidden wherever it is quoted."""

    class Settings(WaffleModel):
        token: SecretStr = SecretStr("")
        name: str = ""

        @field_validator("name")
        @classmethod
        def differs(cls, value: str, info: ValidationInfo) -> str:
            if value:
                raise ValueError(f"not with {info.data['token'].get_secret_value()}")
            return value

    assert "hidden" in str(refused(Settings, SHOP_TOKEN=CANARY, SHOP_NAME="a"))


def test_a_secret_variable_is_in_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    """A lock is shown as the variable that it comes from."""
    found = locks(Shop, "SHOP_", {"SHOP_TOKEN": CANARY, "shop_token": CANARY})

    assert loaded(Shop, {"token": found["token"].text}).token == SecretStr(CANARY)
    assert repr(found) == "{'token': Pinned(variable='SHOP_TOKEN')}"
    assert CANARY not in caplog.text


# --- the extra --------------------------------------------------------------------------------


def test_without_pydantic_settings_the_error_says_how_to_install_it() -> None:
    """When the application is bound, and not at the first request."""
    code = (
        "import sys; sys.modules['pydantic_settings'] = None\n"
        "from typed_waffle import ConfigurationError, Waffle, WaffleModel\n"
        "from flask import Flask\n"
        "app = Flask('shop')\n"
        "app.config['WAFFLE_ENV_PREFIX'] = 'SHOP_'\n"
        "try:\n"
        "    Waffle(WaffleModel).init_app(app)\n"
        "except ConfigurationError as error:\n"
        "    print(error.key, error, sep='|')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.startswith("WAFFLE_ENV_PREFIX|")
    assert done.stdout.endswith("pip install 'typed-waffle[env]'.\n")


def test_without_a_prefix_pydantic_settings_is_not_needed() -> None:
    """It is imported only where it is used."""
    code = (
        "import sys\n"
        "from typed_waffle import Waffle, WaffleModel\n"
        "with Waffle(WaffleModel).connect({'WAFFLE_DATABASE_URL': 'sqlite://'}):\n"
        "    print('pydantic_settings' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
