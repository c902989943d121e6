"""WaffleModel: what may be declared, and the facts about each field."""

from __future__ import annotations

import copy
import enum
import functools
import gc
import itertools
import pickle
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretBytes,
    SecretStr,
    ValidationError,
    computed_field,
    create_model,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from tests.support.models import CANARY, Shop, Smtp, one
from typed_waffle import DeclarationError, UnknownSetting, WaffleModel
from typed_waffle.frozendict import FrozenDict
from typed_waffle.model import FieldFacts, completed, facts, known, reader
from typed_waffle.values import dumped, loaded

T = TypeVar("T")


class Tree(WaffleModel):
    """It refers to itself."""

    value: int = 1
    left: Tree | None = None
    named: Mapping[str, Tree] = {}


class Early(WaffleModel):
    """It refers to a class that is not there yet."""

    late: Late | None = None
    limits: Mapping[str, Sequence[int]] = {"a": [1]}


class Late(WaffleModel):
    key: SecretStr = SecretStr("")


class Ping(WaffleModel):
    pong: Pong | None = None
    limits: Mapping[str, int] = {}


class Pong(WaffleModel):
    ping: Ping | None = None
    key: SecretStr = SecretStr("")


class Page(WaffleModel, Generic[T]):
    first: T | None = None
    named: Mapping[str, T] = {}


class Base(WaffleModel):
    limits: Mapping[str, Sequence[int]] = {"a": [1]}
    size: int = 1
    """How large."""


class BadlyEarly(WaffleModel):
    late: Mutable | None = None  # type: ignore[waffle-declaration] # that is the case


class Inner(WaffleModel):
    late: Mode | None = None
    sizes: list[int] = []  # type: ignore[waffle-declaration] # noqa: RUF012 - that is the case


class Outer(WaffleModel):
    inner: Inner | None = None


class Resized(Base):
    size: Mutable | None = None  # type: ignore[assignment, waffle-declaration] # that is the case


class Mutable(BaseModel):
    sizes: list[int] = []


class Mode(enum.Enum):
    ON = "on"


# --- the shape of a class ---------------------------------------------------------------------


def test_a_field_needs_a_default() -> None:
    """An application can always boot."""
    with pytest.raises(DeclarationError, match=r"Needy\.size: it has no default.*Give it one"):

        class Needy(WaffleModel):
            size: int  # type: ignore[waffle-declaration] # that is the case


def test_a_required_field_without_a_default_is_found_beside_others() -> None:
    """`Field()` with constraints only is no default."""
    with pytest.raises(DeclarationError, match=r"Needy\.size: it has no default"):

        class Needy(WaffleModel):
            name: str = ""
            size: int = Field(gt=0)  # type: ignore[waffle-declaration] # that is the case


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (ConfigDict(frozen=False), "it is not frozen"),
        (ConfigDict(extra="allow"), "extra='allow' holds undeclared values"),
    ],
)
def test_a_class_cannot_be_thawed(config: ConfigDict, reason: str) -> None:
    """The configuration that would let it change is refused."""
    with pytest.raises(DeclarationError, match=reason):

        class Thawed(WaffleModel):
            model_config = config


def test_a_class_cannot_be_thawed_by_a_keyword() -> None:
    """Neither in the class statement."""
    with pytest.raises(DeclarationError, match="it is not frozen"):

        class Thawed(WaffleModel, frozen=False):
            pass


def test_a_private_attribute_is_refused() -> None:
    """Pydantic lets it be written to, even on a frozen instance."""
    with pytest.raises(DeclarationError, match=r"_cache: a private attribute.*cached_property"):

        class Caching(WaffleModel):
            _cache: int = 1


@pytest.mark.parametrize("field", [Field(1, exclude=True), Field(1, exclude_if=lambda v: v == 2)])
def test_a_field_that_is_not_dumped_is_refused(field: Any) -> None:  # noqa: ANN401 - Field says so
    """It could not be stored."""
    with pytest.raises(DeclarationError, match="keeps it from being stored"):
        create_model("Hidden", __base__=WaffleModel, size=(int, field))


def test_a_name_that_no_key_column_holds_is_refused() -> None:
    """MySQL cuts it without a word, if it is not strict."""
    longest: Any = {"a" * 200: (int, 1)}
    longer: Any = {"a" * 201: (int, 1)}
    create_model("Short", __base__=WaffleModel, **longest)
    with pytest.raises(DeclarationError, match="longer than 200 characters"):
        create_model("Long", __base__=WaffleModel, **longer)


def test_a_name_that_python_cannot_write_is_refused() -> None:
    """`current_settings.class` would be a syntax error."""
    with pytest.raises(DeclarationError, match="not a Python name"):
        create_model("Odd", __base__=WaffleModel, **{"class": (int, 1)})  # type: ignore[call-overload] # made at run time


def test_a_default_factory_that_depends_on_other_settings_is_refused() -> None:
    """Its value would change with them, unseen."""
    with pytest.raises(DeclarationError, match=r"total: its default depends on other settings"):

        class Dependent(WaffleModel):
            size: int = 1
            total: int = Field(default_factory=lambda data: data["size"] + 1)


def test_a_default_factory_that_differs_from_call_to_call_is_refused() -> None:
    """Each worker would show another value."""
    count = itertools.count()

    with pytest.raises(DeclarationError, match=r"size: its default differs from call to call"):

        class Counting(WaffleModel):
            size: int = Field(default_factory=lambda: next(count))


def test_a_default_factory_that_always_gives_the_same_is_taken() -> None:
    """`default_factory=list` is how people write an empty default."""

    class Listed(WaffleModel):
        sizes: Sequence[int] = Field(default_factory=list)

    assert Listed().sizes == ()


@pytest.mark.parametrize(
    ("annotation", "default", "rule"),
    [
        (Annotated[int, Field(gt=5)], 1, "greater than 5"),
        (int, "x", "valid integer"),
        (Annotated[str, Field(max_length=1)], "ab", "at most 1 character"),
        (Mode, "off", "Input should be 'on'"),
        (float, float("inf"), "finite number"),
        (Smtp, {"port": 0}, "greater than or equal to 1"),
    ],
)
def test_a_default_that_breaks_its_own_rule_is_refused(
    annotation: Any,  # noqa: ANN401 - an annotation
    default: object,
    rule: str,
) -> None:
    """Pydantic would not look at it before the first write (FAULTS V13)."""
    with pytest.raises(DeclarationError, match=rf"value: its default breaks its own rule.*{rule}"):
        one(annotation, default)


def test_defaults_that_break_a_rule_across_fields_are_refused() -> None:
    """The model as a whole is at fault, so no field is named."""
    with pytest.raises(DeclarationError, match="low above high") as refused:

        class Crossed(WaffleModel):
            low: int = 2
            high: int = 1

            @model_validator(mode="after")
            def in_order(self) -> Self:
                if self.low > self.high:
                    raise ValueError("low above high")
                return self

    assert refused.value.field is None


def test_a_secret_default_that_breaks_its_rule_is_not_quoted() -> None:
    """Its own validator may have put it into the message."""

    def strong(value: SecretStr) -> SecretStr:
        raise ValueError(f"{value.get_secret_value()} is weak")

    with pytest.raises(DeclarationError) as refused:
        one(Annotated[SecretStr, AfterValidator(strong)], SecretStr(CANARY))
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_a_default_that_a_validator_makes_mutable_is_refused() -> None:
    """The type promises a tuple, the validator gives a list."""
    with pytest.raises(DeclarationError, match=r"its value \(list\) can be mutated in place"):
        one(Annotated[tuple[int, ...], AfterValidator(list)], (1,))


def test_a_default_that_does_not_survive_json_is_refused() -> None:
    """What is stored must come back as it was."""
    with pytest.raises(DeclarationError, match="does not survive JSON"):

        class Shifting(WaffleModel):
            size: int = 1

            @field_serializer("size")
            def bigger(self, value: int) -> int:
                return value + 1


def test_a_default_that_would_be_loaded_as_another_is_shown_with_it() -> None:
    """The developer sees what is lost."""
    with pytest.raises(DeclarationError, match=r"'2024-01-01' becomes datetime\.date"):
        one(date | str, "2024-01-01")


def test_a_default_that_has_no_json_form_is_refused() -> None:
    """No UTF-8 holds a lone surrogate (FAULTS V7), and nobody reads so many digits."""
    for annotation, default in ((str, "\ud800"), (int, 10**5000)):
        with pytest.raises(DeclarationError, match="does not survive JSON"):
            one(annotation, default)


def test_a_validator_that_does_not_take_what_it_made_is_refused() -> None:
    """A value in force is validated again with every change, and may be given back to one."""
    words = Annotated[
        tuple[str, ...],
        BeforeValidator(lambda text: tuple(text.split(","))),
        PlainSerializer(",".join),
    ]
    with pytest.raises(DeclarationError, match=r"is not taken as it is: .* ends in AttributeError"):
        one(words, "a,b")


def test_a_secret_default_that_does_not_survive_json_is_not_shown() -> None:
    """Not even in the message about it."""
    with pytest.raises(DeclarationError) as refused:
        one(SecretStr | SecretBytes, SecretBytes(CANARY.encode()))
    assert CANARY not in str(refused.value)


def test_a_type_that_pydantic_does_not_know_is_refused() -> None:
    """The message is Pydantic's, and says which type."""
    with pytest.raises(DeclarationError, match=r"range.*use types that Pydantic knows"):
        one(range, range(3))


def test_a_secret_takes_no_field_serializer() -> None:
    """It could write the plaintext into the history."""
    with pytest.raises(DeclarationError, match=r"key: a serializer could show the secret"):

        class Telling(WaffleModel):
            key: SecretStr = SecretStr("")
            size: int = 1

            @field_serializer("key")
            def plain(self, value: SecretStr) -> str:
                return value.get_secret_value()


def test_a_model_with_a_secret_takes_no_serializer_for_all() -> None:
    """A serializer of every field is one of the secret too."""
    with pytest.raises(DeclarationError, match="a serializer could show the secret"):

        class Telling(WaffleModel):
            key: SecretStr = SecretStr("")

            @field_serializer("*")
            def plain(self, value: object) -> object:
                return value


def test_a_model_with_a_secret_takes_no_model_serializer() -> None:
    """Neither is one of the whole model."""
    with pytest.raises(DeclarationError, match="a serializer could show the secret"):

        class Telling(WaffleModel):
            key: SecretStr = SecretStr("")

            @model_serializer
            def plain(self) -> dict[str, str]:
                return {"key": self.key.get_secret_value()}


def test_other_fields_may_have_serializers_beside_a_secret() -> None:
    """Only what could show the secret is refused."""

    class Mixed(WaffleModel):
        key: SecretStr = SecretStr("")
        size: int = 1

        @field_serializer("size")
        def same(self, value: int) -> int:
            return value

    assert dumped(Mixed(), ["size"]) == {"size": "1"}


def test_a_class_variable_is_no_field() -> None:
    """It belongs to the class, so it is left alone."""

    class Classy(WaffleModel):
        NAMES: ClassVar[list[str]] = ["a"]
        size: int = 1

    assert list(facts(Classy)) == ["size"]


def test_a_refusal_carries_what_it_says() -> None:
    """No surface parses the text."""
    with pytest.raises(DeclarationError) as refused:
        one(list[int], [])
    error = refused.value
    assert (error.model, error.field, error.hint) == (
        "One",
        "value",
        "Write tuple[int, ...] or Sequence[int]",
    )
    assert isinstance(error, TypeError)


# --- instances --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        (lambda shop: setattr(shop, "low", 1), ValidationError),
        (lambda shop: setattr(shop, "new", 1), ValidationError),
        (lambda shop: delattr(shop, "low"), ValidationError),
        (lambda shop: setattr(shop.smtp, "host", "x"), ValidationError),
        (lambda shop: shop.tags.append("x"), AttributeError),
        (lambda shop: shop.tags.__setitem__(0, "x"), AttributeError),
        (lambda shop: shop.limits.__setitem__("x", ()), AttributeError),
        (lambda shop: shop.limits.update(x=()), AttributeError),
        (lambda shop: shop.limits["x"].append(1), AttributeError),
        (lambda shop: shop.admins.add("x"), AttributeError),
    ],
)
def test_an_instance_never_changes(attack: Callable[[Any], object], error: type[Exception]) -> None:
    """At any depth, and its hash stays (FAULTS V4)."""
    shop = Shop()
    before = hash(shop)

    with pytest.raises(error):
        attack(shop)
    assert hash(shop) == before
    assert shop == Shop()


@pytest.mark.parametrize(
    "clone",
    [
        copy.copy,
        copy.deepcopy,
        lambda shop: pickle.loads(pickle.dumps(shop)),  # noqa: S301 - our own
        lambda shop: shop.model_copy(),
        lambda shop: Shop(**dict(shop)),
    ],
)
def test_a_copy_is_equal_and_hashes_alike(clone: Callable[[Shop], Shop]) -> None:
    """Settings can be kept, sent to another process, and used as a key."""
    shop = Shop(low=3, limits={"a": [1]}, tags=["x"], smtp=Smtp(password=SecretStr("p")))

    other = clone(shop)

    assert other == shop
    assert hash(other) == hash(shop)
    assert type(other.limits) is FrozenDict


def test_instances_share_their_defaults() -> None:
    """A default is validated once, when the class is made."""
    assert Shop().limits is Shop().limits


def test_inf_is_refused() -> None:
    """JSON has no infinity (FAULTS V3)."""
    for text in ("inf", "1e999", "nan"):
        with pytest.raises(ValidationError):
            Shop(ratio=text)  # type: ignore[arg-type] # a form sends text


def test_methods_and_computed_values_work() -> None:
    """A settings model is a class like others."""

    class Rich(WaffleModel):
        size: int = 2

        @computed_field  # type: ignore[prop-decorator] # Pydantic's own way
        @property
        def double(self) -> int:
            return self.size * 2

        @functools.cached_property
        def triple(self) -> int:
            return self.size * 3

        def times(self, by: int) -> int:
            return self.size * by

    rich = Rich()
    assert (rich.double, rich.triple, rich.times(5)) == (4, 6, 10)
    assert rich == Rich()
    assert hash(rich) == hash(Rich())


# --- references to other classes --------------------------------------------------------------


def test_a_later_class_is_found_by_completed() -> None:
    """A class that could not be checked when it was made is checked then."""
    completed(Early)

    assert facts(Early)["late"].secret
    assert isinstance(Early(late={"key": "x"}).limits, FrozenDict)  # type: ignore[arg-type] # as Pydantic takes it


def test_a_later_class_is_found_at_the_first_use() -> None:
    """Nobody has to call anything for values to be immutable."""

    class First(WaffleModel):
        second: Second | None = None
        limits: Mapping[str, Sequence[int]] = {"a": [1]}

    class Second(WaffleModel):
        size: int = 1

    assert isinstance(First().limits, FrozenDict)
    assert list(facts(First)) == ["second", "limits"]


def test_a_mutable_later_class_is_refused_whenever_it_is_looked_at() -> None:
    """The first refusal does not let the second look pass."""

    for look in (BadlyEarly, completed, completed):
        with pytest.raises(DeclarationError, match="Mutable can be mutated in place"):
            look(*[BadlyEarly] if look is completed else [])


def test_a_nested_model_that_was_not_checked_yet_is_checked() -> None:
    """A list cannot hide in a model that waits for a later class."""

    with pytest.raises(DeclarationError, match=r"Inner\.sizes: list\[int\] can be mutated"):
        completed(Outer)


def test_a_name_that_never_appears_is_refused_by_completed() -> None:
    """The name is told."""

    class Waiting(WaffleModel):
        never: Godot | None = None  # type: ignore[name-defined] # noqa: F821 - that is the case

    with pytest.raises(DeclarationError, match="Waiting: name 'Godot' is not defined"):
        completed(Waiting)


def test_a_model_may_refer_to_itself() -> None:
    """Trees of settings are held as immutably as anything."""
    completed(Tree)
    tree = Tree(left=Tree(value=2), named={"a": {"value": 3}})  # type: ignore[dict-item] # as Pydantic takes it

    assert isinstance(tree.named, FrozenDict)
    assert tree.named["a"] == Tree(value=3)
    assert isinstance(hash(tree), int)
    assert loaded(Tree, dumped(tree, ["left", "named"])) == tree


def test_two_models_may_refer_to_each_other() -> None:
    """Both are checked, and a secret of the one is a secret of the other."""
    completed(Ping)
    completed(Pong)

    assert facts(Ping)["pong"].secret
    assert facts(Pong)["ping"].secret
    assert isinstance(Ping(limits={"a": 1}).limits, FrozenDict)


def test_classes_of_a_function_are_found_there() -> None:
    """A model made in a test or an app factory sees the names around it."""

    class Inner(WaffleModel):
        size: int = 1

    class Outer(WaffleModel):
        inner: Inner = Inner()

    assert list(facts(Outer)) == ["inner"]


def test_a_complete_model_is_given_back_as_it_is() -> None:
    """`completed` is cheap to call again."""
    validator = Shop.__pydantic_validator__

    assert completed(Shop) is Shop
    assert Shop.__pydantic_validator__ is validator


# --- generics and inheritance -----------------------------------------------------------------


def test_a_generic_model_is_checked_with_its_type() -> None:
    """Its containers are frozen, and its fields are spelled with the type."""
    page = completed(Page[int])

    assert isinstance(page(named={"a": 1}).named, FrozenDict)
    assert [fact.type for fact in facts(page).values()] == ["Optional[int]", "Mapping[str, int]"]


def test_a_generic_model_of_a_mutable_type_is_refused() -> None:
    """The type is looked at when it is said."""
    with pytest.raises(DeclarationError, match=r"list\[int\] can be mutated in place"):
        Page[list[int]]


def test_a_generic_model_of_a_secret_has_secrets() -> None:
    """The fact follows the type."""
    assert facts(Page[SecretStr])["first"].secret
    assert not facts(Page[int])["first"].secret


def test_a_generic_model_without_its_type_is_no_settings_model() -> None:
    """It could hold anything."""
    with pytest.raises(
        DeclarationError, match=r"Page: it is generic\. Say its type: Page\[\.\.\.\]"
    ):
        completed(Page)


def test_a_subclass_of_a_generic_model_with_its_type_works() -> None:
    """Its own fields and the inherited ones are held alike."""

    class Names(Page[str]):
        sizes: Sequence[int] = [1]

    names = Names(named={"a": "b"})
    assert (type(names.named), names.sizes) == (FrozenDict, (1,))
    assert facts(Names)["named"].type == "Mapping[str, str]"


def test_an_inherited_mapping_stays_frozen() -> None:
    """In a subclass, and in a subclass of that."""

    class Child(Base):
        more: int = 1

    class Grandchild(Child):
        size: int = 2

    made = Grandchild(limits={"b": [2]})
    assert (type(made.limits), made.limits["b"]) == (FrozenDict, (2,))
    assert Grandchild().limits == {"a": (1,)}


def test_an_inherited_field_is_spelled_as_it_was_written() -> None:
    """Nobody sees the form in which it is held."""

    class Child(Base):
        more: int = 1

    assert facts(Child)["limits"].type == "Mapping[str, Sequence[int]]"
    assert facts(Child)["size"].description == "How large."


def test_a_subclass_may_override_a_default() -> None:
    """The parent keeps its own."""

    class Child(Base):
        size: int = 5

    assert (Child().size, Base().size) == (5, 1)


def test_a_subclass_may_add_a_rule_to_an_inherited_field() -> None:
    """The rule holds for values, in the subclass only."""

    class Strict(Base):
        @field_validator("size")
        @classmethod
        def small(cls, value: int) -> int:
            if value > 3:
                raise ValueError("too large")
            return value

    assert Base(size=4).size == 4
    with pytest.raises(ValidationError, match="too large"):
        Strict(size=4)


def test_a_rule_that_a_subclass_adds_is_checked_on_the_inherited_default() -> None:
    """The default was good for the parent only."""
    with pytest.raises(DeclarationError, match=r"Strict\.size: its default.*too small"):

        class Strict(Base):
            @field_validator("size")
            @classmethod
            def large(cls, value: int) -> int:
                if value < 3:
                    raise ValueError("too small")
                return value


def test_a_subclass_that_waits_for_a_later_class_has_no_facts_of_its_parent() -> None:
    """An overridden field is looked at again when its type is known."""

    with pytest.raises(DeclarationError, match="Mutable can be mutated in place"):
        completed(Resized)


# --- aliases and facts ------------------------------------------------------------------------


def test_aliases_work_for_those_who_construct_a_model() -> None:
    """They are for input; the field's name is its name everywhere else."""

    class Aliased(WaffleModel):
        size: int = Field(1, alias="SIZE")
        width: int = Field(1, validation_alias=AliasChoices("w", "W"))

    made = Aliased(SIZE=2, W=3)  # type: ignore[call-arg] # mypy knows no choices

    assert (made.size, made.width) == (2, 3)
    assert list(facts(Aliased)) == ["size", "width"]
    assert loaded(Aliased, dumped(made, ["size", "width"])) == made


def test_facts_tell_what_is_known_of_a_field() -> None:
    """Name, type as written, secrecy and description."""
    assert facts(Shop)["name"] == FieldFacts("name", "str", False, "Shown in the page header.")  # noqa: FBT003 - in order
    assert [name for name, fact in facts(Shop).items() if fact.secret] == ["smtp", "token"]


def test_a_description_comes_from_field_or_from_the_string_below() -> None:
    """`Field(description=)` is the other way."""

    class Described(WaffleModel):
        size: int = Field(1, description="How large.")
        plain: int = 1

    assert [fact.description for fact in facts(Described).values()] == ["How large.", None]


def test_facts_cannot_be_changed() -> None:
    """They belong to the class."""
    with pytest.raises(TypeError):
        facts(Shop)["new"] = facts(Shop)["name"]  # type: ignore[index] # that is the case


def test_an_unknown_field_names_the_nearest() -> None:
    """A typing error is found at once."""
    with pytest.raises(
        UnknownSetting, match="Shop has no setting 'nmae': did you mean 'name'"
    ) as e:
        known(Shop, "nmae")
    assert (e.value.model, e.value.field, e.value.nearest) == ("Shop", "nmae", "name")


def test_an_unknown_field_that_is_like_none_lists_them() -> None:
    """Then all names are told."""
    with pytest.raises(UnknownSetting, match=r"it declares name, low, high") as refused:
        known(Shop, "zzz")
    assert refused.value.nearest is None


@pytest.mark.parametrize("name", ["__class__", "model_config", "Name", "name ", "", "smtp.host"])
def test_only_declared_names_are_known(name: str) -> None:
    """Attributes and look-alikes are no settings (FAULTS X11)."""
    with pytest.raises(UnknownSetting):
        known(Shop, name)


def test_a_known_field_gives_its_facts() -> None:
    """The same that `facts` holds."""
    assert known(Shop, "low") is facts(Shop)["low"]


def test_a_reader_loads_one_field_by_its_type_alone() -> None:
    """The history shows values that break today's rules across fields."""
    assert reader(Shop, "low")("99") == 99
    assert reader(Shop, "limits")('{"a":[1]}') == FrozenDict({"a": (1,)})


def test_a_reader_keeps_the_rules_of_the_type() -> None:
    """A constraint is part of the type."""
    with pytest.raises(ValidationError):
        reader(Shop, "name")('""')


def test_a_reader_knows_how_bytes_are_stored() -> None:
    """They are base64 in the text."""
    model = one(Annotated[bytes, BeforeValidator(lambda v: v)], b"\xff")

    assert reader(model, "value")(dumped(model(), ["value"])["value"]) == b"\xff"


def test_a_model_made_in_a_function_can_be_collected() -> None:
    """Test suites make many; only the readers, a bounded cache, keep some."""
    made = [create_model(f"Made{n}", __base__=WaffleModel, size=(int, n)) for n in range(3)]
    names = {model.__name__ for model in made}

    del made
    gc.collect()

    assert not names & {model.__name__ for model in WaffleModel.__subclasses__()}
