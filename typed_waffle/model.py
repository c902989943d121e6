"""WaffleModel: what may be declared, and the facts about each field."""

from __future__ import annotations

import difflib
import functools
import keyword
import types
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar, dataclass_transform, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, create_model
from pydantic._internal._model_construction import ModelMetaclass
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

from typed_waffle.errors import DeclarationError, UnknownSetting
from typed_waffle.fieldtypes import Refused, has_secret, held, immutable, refuse_metadata, spelled
from typed_waffle.setting import Setting, former_name, refuse_within
from typed_waffle.values import brief, dumped, loaded, same

__all__ = [
    "FieldFacts",
    "M",
    "Setting",
    "WaffleModel",
    "alone",
    "completed",
    "facts",
    "holding",
    "known",
    "named",
    "own_words",
    "reader",
    "secret_names",
]

MAX_NAME = 200
"""The longest name of a field, in characters: what the store's key columns hold."""

_PYDANTICS_WORDS = frozenset(get_args(core_schema.ErrorType))
_LOSSLESS = ConfigDict(ser_json_inf_nan="strings", ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What is known of one field without looking at any value."""

    name: str
    type: str
    """The annotation as the developer wrote it."""
    secret: bool
    """Whether a secret stands anywhere in its type: such a value is masked everywhere."""
    description: str | None
    """From `Field(description=)` or the string under the field."""
    renamed_from: str | None = None
    """Its old name, from `Setting(renamed_from=)`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which it may be stored; the first that is there counts."""
        return (self.name,) if self.renamed_from is None else (self.name, self.renamed_from)


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(Field, PrivateAttr)
)
class WaffleMeta(ModelMetaclass):
    """Tells type checkers, without a plugin, that the instances are frozen."""


class WaffleModel(BaseModel, metaclass=WaffleMeta):
    """The base of a settings model: a Pydantic model whose instances never change.

    Every field needs a default, an immutable type, and a type that survives JSON; a class that
    breaks this raises `DeclarationError` when it is made. Nested `WaffleModel`s are allowed.
    Constraints and rules are Pydantic's: `Field(...)`, `field_validator`, `model_validator`.
    A string under a field is its description.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        defer_build=True,  # `declare` builds the validator, once it has looked at the types
        use_attribute_docstrings=True,
        validate_default=True,
        loc_by_alias=False,
        # Without these, JSON turns inf into null and refuses bytes that are not UTF-8.
        allow_inf_nan=False,
        ser_json_inf_nan="strings",
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )

    __waffle_facts__: ClassVar[Mapping[str, FieldFacts]] = types.MappingProxyType({})

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - Pydantic's configuration
        """Check a settings model when its class is made."""
        super().__pydantic_init_subclass__(**kwargs)
        declare(cls)

    @classmethod
    def __pydantic_on_complete__(cls) -> None:
        """Check a class whose references to later classes have just been resolved."""
        super().__pydantic_on_complete__()
        if not _declared(cls):
            declare(cls)


M = TypeVar("M", bound=WaffleModel)


def declare(model: type[WaffleModel]) -> None:
    """Check a model and give its fields their immutable form.

    A class with references that cannot be resolved yet is left for its first use, or `completed`.
    """
    _check_shape(model)
    if not getattr(model, "__pydantic_fields_complete__", True):
        return
    # A class that refers to itself meets itself below: from here on it counts as declared.
    model.__waffle_facts__ = types.MappingProxyType({})
    try:
        _hold(model)
        model.model_rebuild(force=True)
        if not model.__pydantic_generic_metadata__["parameters"]:
            _settle_defaults(model)
    except BaseException as error:
        del model.__waffle_facts__
        model.__pydantic_complete__ = False  # or the next use would find nothing wrong
        if isinstance(error, PydanticUndefinedAnnotation):
            return
        if isinstance(error, PydanticUserError):
            raise _unbuilt(model, error) from None
        raise


def _hold(model: type[WaffleModel]) -> None:
    written = {name: field.annotation for name, field in model.model_fields.items()}
    for name, field in model.model_fields.items():
        field.annotation = _held_field(model, name, field)
        field.validate_default = True
    model.__waffle_facts__ = types.MappingProxyType(
        {
            name: FieldFacts(
                name,
                _spelling(model, name, written[name]),
                has_secret(field.annotation),
                field.description,
                former_name(name, model.model_fields),
            )
            for name, field in model.model_fields.items()
        }
    )
    secrets = {fact.name for fact in model.__waffle_facts__.values() if fact.secret}
    if secrets:
        model.model_config["hide_input_in_errors"] = True
        _check_serializers(model, secrets)


def _declared(model: type[WaffleModel]) -> bool:
    return "__waffle_facts__" in vars(model)


def completed(model: type[M]) -> type[M]:
    """The model, with references to later classes resolved and checked.

    Raises:
        DeclarationError: a reference cannot be resolved, or what it names is refused.
    """
    if model.__pydantic_generic_metadata__["parameters"]:
        raise DeclarationError(
            model.__qualname__, None, "it is generic", f"Say its type: {model.__qualname__}[...]"
        )
    if not _declared(model):
        try:
            model.model_rebuild()
        except (PydanticUserError, PydanticUndefinedAnnotation) as error:
            raise _unbuilt(model, error) from None
    return model


def _unbuilt(model: type[WaffleModel], error: Exception) -> DeclarationError:
    reason = str(error).splitlines()[0].rstrip(".")
    hint = "Import what it names, and use types that Pydantic knows"
    return DeclarationError(model.__qualname__, None, reason, hint)


def _check_shape(model: type[WaffleModel]) -> None:
    here = model.__qualname__
    if not model.model_config.get("frozen"):
        raise DeclarationError(here, None, "it is not frozen", "Leave frozen=False out")
    if model.model_config.get("extra") == "allow":
        raise DeclarationError(here, None, "extra='allow' holds undeclared values", "Leave it out")
    for name in model.__private_attributes__:
        raise DeclarationError(
            here, name, "a private attribute can be written to", "Use functools.cached_property"
        )
    for name, field in model.model_fields.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise DeclarationError(here, name, "not a Python name", "Give the field a plain name")
        if len(name) > MAX_NAME:
            reason = f"its name is longer than {MAX_NAME} characters"
            raise DeclarationError(here, name, reason, "Give the field a shorter name")
        if field.is_required():
            raise DeclarationError(
                here,
                name,
                "it has no default, so the application could not always boot",
                "Give it one",
            )
        if field.default_factory_takes_validated_data:
            raise DeclarationError(
                here, name, "its default depends on other settings", "Use a computed field instead"
            )
        if field.exclude or field.exclude_if:
            word = "exclude=True" if field.exclude else "exclude_if"
            raise DeclarationError(
                here, name, f"{word} keeps it from being stored", f"Leave {word} out"
            )


def _check_serializers(model: type[WaffleModel], secrets: AbstractSet[str]) -> None:
    decorators = model.__pydantic_decorators__
    names = {name for found in decorators.field_serializers.values() for name in found.info.fields}
    named = secrets if "*" in names else secrets & names
    if decorators.model_serializers or named:
        raise DeclarationError(
            model.__qualname__,
            min(named, default=None),
            "a serializer could show the secret",
            "Leave the serializer out",
        )


def _held_field(model: type[WaffleModel], name: str, field: FieldInfo) -> Any:  # noqa: ANN401 - an annotation
    try:
        annotation = held(field.annotation)
        refuse_metadata(field.metadata, secret=has_secret(annotation))
        refuse_within(annotation)
        former_name(name, model.model_fields)
    except Refused as refusal:
        reason, hint = refusal.reason, refusal.hint
    else:
        inside = getattr(annotation, "__parameters__", ()) if get_origin(annotation) else ()
        free = (annotation,) if isinstance(annotation, TypeVar) else inside
        if not set(free) - set(model.__pydantic_generic_metadata__["parameters"]):
            return annotation
        reason, hint = f"{spelled(annotation)} may hold anything", "Say its type"
    # Out of the except block, so that the message stands alone.
    raise DeclarationError(model.__qualname__, name, reason, hint)


def _spelling(model: type[WaffleModel], name: str, annotation: object) -> str:
    for base in model.__mro__[1:]:
        if not issubclass(base, WaffleModel):
            continue
        # An inherited field's annotation is already in its immutable form.
        inherited = facts(base).get(name)
        if inherited and base.model_fields[name].annotation == annotation:
            return inherited.type
    return spelled(annotation)


def _settle_defaults(model: type[WaffleModel]) -> None:
    """Check each default, and let the validated value be the default from here on.

    Pydantic would otherwise validate a default again with every snapshot, and as if it came from
    JSON when the rest does, which refuses a `SecretStr`.
    """
    here = model.__qualname__
    defaults, again = _defaults(model), _defaults(model)
    for name, field in model.model_fields.items():
        default = getattr(defaults, name)
        if not same(default, getattr(again, name)):
            raise DeclarationError(
                here, name, "its default differs from call to call", "Give one fixed default"
            )
        if not immutable(default):
            kind = type(default).__name__
            raise DeclarationError(
                here,
                name,
                f"its value ({kind}) can be mutated in place",
                "Declare an immutable type",
            )
        field.default, field.default_factory = default, None
        field.validate_default = False
    model.model_rebuild(force=True)
    for name in model.model_fields:
        _check_survives(model, defaults, name)


def _defaults(model: type[M]) -> M:
    try:
        return model()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else None
    hidden = name is not None and facts(model)[name].secret and own_words(first["type"])
    said = "the rule's own message is hidden, for a secret is in it" if hidden else first["msg"]
    reason = f"its default breaks its own rule: {said}"
    raise DeclarationError(model.__qualname__, name, reason, "Give a default that fits")


def _check_survives(model: type[WaffleModel], defaults: WaffleModel, name: str) -> None:
    default = getattr(defaults, name)
    loads = _again(default, name, lambda: loaded(model, dumped(defaults, [name])))
    taken = _again(default, name, lambda: model.model_validate({name: default}, by_name=True))
    if loads is not None:
        why = "its default does not survive JSON, in which settings are stored"
        hint = "Declare a type that Pydantic can dump to JSON and load again unchanged"
    elif taken is not None:
        why = "its default, once validated, is not taken as it is"
        hint = "Let its validators give back unchanged what is valid already"
    else:
        return
    became = "" if facts(model)[name].secret else f": {brief(default)} {loads or taken}"
    raise DeclarationError(model.__qualname__, name, why + became, hint)


def _again(default: object, name: str, make: Callable[[], object]) -> str | None:
    """What a default becomes on its way; `None` if it stays the same."""
    try:
        value = getattr(make(), name)
    except Exception as error:  # noqa: BLE001 - a validator of the user's may raise anything
        return f"ends in {type(error).__name__}"
    return None if same(default, value) else f"becomes {brief(value)}"


def own_words(kind: str) -> bool:
    """Whether the message of this type of error is not Pydantic's, but a validator's own."""
    return kind in {"value_error", "assertion_error"} or kind not in _PYDANTICS_WORDS


def facts(model: type[WaffleModel]) -> Mapping[str, FieldFacts]:
    """The facts of every field, in the order of declaration."""
    return model.__waffle_facts__


def known(model: type[WaffleModel], field: str, *, former: bool = False) -> FieldFacts:
    """The facts of one field; with `former`, also if that is its old name.

    Raises:
        UnknownSetting: the model has no such field; the error names the nearest one.
    """
    declared = facts(model)
    if field in declared:
        return declared[field]
    renamed = next((fact for fact in declared.values() if fact.renamed_from == field), None)
    if renamed is not None and former:
        return renamed
    close = difflib.get_close_matches(str(field), declared, n=1)
    nearest = renamed.name if renamed else close[0] if close else None
    raise UnknownSetting(model.__qualname__, field, nearest, list(declared))


def named(model: type[WaffleModel], overrides: Mapping[str, str]) -> dict[str, str]:
    """The overrides that the model reads, by the names that its fields have today."""
    stored = {
        name: next((overrides[n] for n in fact.names if n in overrides), None)
        for name, fact in facts(model).items()
    }
    return {name: text for name, text in stored.items() if text is not None}


def secret_names(model: type[WaffleModel]) -> frozenset[str]:
    """Every name, an old one included, under which a secret may be stored."""
    return frozenset(n for fact in facts(model).values() if fact.secret for n in fact.names)


@functools.lru_cache(maxsize=1024)
def alone(model: type[WaffleModel], field: str) -> Callable[[str], BaseModel]:
    """A function that loads one field's JSON text by its type alone, without the model's rules.

    What it gives has the field as `value`, and is dumped as the settings would be.
    """
    info = model.model_fields[field]
    annotation: Any = info.annotation  # Any: a run-time annotation
    holder = holding(Annotated[(annotation, *info.metadata)] if info.metadata else annotation)

    def read(text: str) -> BaseModel:
        return holder.model_validate_json(f'{{"value":{text}}}')

    return read


def holding(annotation: Any) -> type[BaseModel]:  # noqa: ANN401 - annotations have no common type
    """A model of one field, `value`, that reads and writes JSON as settings do."""
    return create_model("Holder", __config__=_LOSSLESS, value=(annotation, ...))


def reader(model: type[WaffleModel], field: str) -> Callable[[str], object]:
    """As `alone`, for the value itself."""
    read = alone(model, field)  # pyright: ignore[reportArgumentType] # a class hashes, whatever its instances do
    return lambda text: read(text).__dict__["value"]
