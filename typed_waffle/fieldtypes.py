"""Which types a field may have, and the immutable form in which each is held.

A type checker already refuses to write through `Mapping`, `Sequence` and `Set`; here their values
are made immutable as well. `held` turns an annotation into one whose values nobody can change in
place, or refuses it and says the immutable spelling.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import operator
import types
import zoneinfo
from collections import Counter, abc, deque
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import (
    BaseModel,
    ByteSize,
    EncodedBytes,
    EncodedStr,
    ImportString,
    Json,
    PlainSerializer,
    Secret,
    SecretBytes,
    SecretStr,
    SkipValidation,
    WrapSerializer,
)

from typed_waffle.frozendict import FrozenDict
from typed_waffle.jsonform import (
    IN_ORDER,
    MASK,
    REVEAL,
    ByName,
    WholeSize,
    ours,
    revealing,
    saved_by_value,
)

__all__ = [
    "MASK",
    "REVEAL",
    "Refused",
    "has_secret",
    "held",
    "immutable",
    "refuse_metadata",
    "spelled",
]

_MUTABLE: dict[Any, str] = {  # Any: annotations, which have no common type
    list: "Write tuple[{0}, ...] or Sequence[{0}]",
    deque: "Write tuple[{0}, ...] or Sequence[{0}]",
    abc.MutableSequence: "Write tuple[{0}, ...] or Sequence[{0}]",
    abc.Iterable: "Write tuple[{0}, ...] or Sequence[{0}]",
    abc.Iterator: "Write tuple[{0}, ...] or Sequence[{0}]",
    abc.Generator: "Write tuple[{0}, ...] or Sequence[{0}]",
    abc.Collection: "Write tuple[{0}, ...] or Sequence[{0}]",
    abc.Container: "Write tuple[{0}, ...] or Sequence[{0}]",
    abc.Reversible: "Write tuple[{0}, ...] or Sequence[{0}]",
    set: "Write frozenset[{0}] or collections.abc.Set[{0}]",
    abc.MutableSet: "Write frozenset[{0}] or collections.abc.Set[{0}]",
    Counter: "Write Mapping[{0}, int]",
    dict: "Write Mapping[{0}, {1}]",
    abc.MutableMapping: "Write Mapping[{0}, {1}]",
    bytearray: "Write bytes",
    memoryview: "Write bytes",
}

_GUIDE = "a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ..."

_UNIVERSAL = (Any, object, type, abc.Callable, abc.Hashable, BaseModel, ImportString, enum.Enum)


class Refused(Exception):  # noqa: N818 - internal: model.py turns it into a DeclarationError
    """A type that cannot be held; `hint` is what to write instead."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def held(annotation: Any, *, within: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401 - annotations have no common type
    """The annotation under which Pydantic makes deeply immutable values.

    `Mapping` becomes `FrozenDict`, `Sequence` a tuple, `Set` a frozenset, at any depth; a secret
    gets a serialiser that can reveal it to the store. `within` are the classes, not ours, that the
    annotation stands in: there it must be immutable as it is.

    Raises:
        Refused: the type can be mutated in place, or anything could be inside it.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation in _UNIVERSAL or origin in _UNIVERSAL:
        raise Refused(
            f"{spelled(annotation)} may hold anything, mutable values too", f"Write {_GUIDE}"
        )
    refuse_metadata([annotation])
    if annotation is None or isinstance(annotation, TypeVar) or origin is Literal:
        return annotation
    if hasattr(annotation, "__supertype__"):  # a NewType
        return held(annotation.__supertype__, within=within)
    if hasattr(origin or annotation, "__value__"):  # a `type X = ...` alias
        return _alias(annotation, args, within=within)
    if origin is Annotated:
        return _annotated(args, within=within)
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, [_member(arg, within=within) for arg in args])
    if _is_secret(origin or annotation):
        return _secret(annotation, within=within)
    if (origin or annotation) in _CONTAINERS:
        return _container(annotation, origin or annotation, args, within=within)
    return _class(annotation, args, within=within)


def _member(annotation: Any, *, within: tuple[Any, ...]) -> Any:  # noqa: ANN401 - annotations have no common type
    # Union members are joined with `|`, which wants `None` spelled as a type.
    return held(types.NoneType if annotation is None else annotation, within=within)


def _alias(annotation: Any, args: tuple[Any, ...], *, within: tuple[Any, ...]) -> Any:  # noqa: ANN401 - see above
    value = (get_origin(annotation) or annotation).__value__
    try:
        return held(value[args] if args else value, within=within)
    except RecursionError:
        raise Refused(
            f"{spelled(annotation)} refers to itself", "Write the levels out, or use nested models"
        ) from None


def _annotated(args: tuple[Any, ...], *, within: tuple[Any, ...]) -> Any:  # noqa: ANN401 - see above
    inner = held(args[0], within=within)
    theirs = [meta for meta in args[1:] if not ours(meta)]
    refuse_metadata(theirs, secret=has_secret(inner))
    return Annotated[(inner, *theirs)] if theirs else inner


def refuse_metadata(metadata: abc.Iterable[object], *, secret: bool = False) -> None:
    """Refuse a marker under which a value does not load as it was saved, or would not be masked.

    Raises:
        Refused: `pydantic.Json`, `SkipValidation`, the marker of `Base64Str` and its like, or, for
            a secret, a serialiser is among them.
    """
    json_marker: Any = Json  # Any: to type checkers these are aliases, at run time classes
    unchecked: Any = SkipValidation
    for meta in metadata:
        if meta is json_marker or isinstance(meta, json_marker):
            raise Refused(
                "Json[...] is loaded from a text and saved without it",
                "Declare the type that the text holds; it is stored as JSON anyway",
            )
        if isinstance(meta, unchecked):
            raise Refused("SkipValidation lets anything in", "Leave SkipValidation out")
        if isinstance(meta, (EncodedBytes, EncodedStr)):
            raise Refused("it decodes what it is given, again and again", "Write bytes")
        if secret and isinstance(meta, (PlainSerializer, WrapSerializer)):
            raise Refused("a serialiser could show the secret", "Leave the serialiser out")


# --- containers -------------------------------------------------------------------------------

_CONTAINERS = frozenset({tuple, frozenset, FrozenDict, abc.Sequence, abc.Set, abc.Mapping})
_HELD_AS: dict[Any, Any] = {  # Any: classes that are subscripted at run time
    abc.Sequence: tuple,
    abc.Set: frozenset,
    abc.Mapping: FrozenDict,
}


def _container(
    annotation: Any,  # noqa: ANN401 - see above
    origin: type,
    args: tuple[Any, ...],
    *,
    within: tuple[Any, ...],
) -> Any:  # noqa: ANN401 - see above
    if within and origin in {abc.Sequence, abc.Set, abc.Mapping}:
        raise Refused(
            f"{spelled(annotation)} is held immutably only in a WaffleModel",
            "Make the class that has it a WaffleModel, or write tuple or frozenset",
        )
    if not args and annotation != tuple[()]:
        bare = spelled(annotation)
        arity = "K, V" if origin is abc.Mapping else "T, ..." if origin is tuple else "T"
        raise Refused(f"{bare} may hold anything, mutable values too", f"Write {bare}[{arity}]")
    inner = tuple(arg if arg is Ellipsis else held(arg, within=within) for arg in args)
    if origin in {abc.Mapping, FrozenDict} and has_secret(inner[0]):
        raise Refused("a secret cannot be a key: keys are shown", "Make it a value")
    immutable_form: Any = _HELD_AS.get(origin, origin)  # Any: subscripted at run time
    made = immutable_form[(*inner, Ellipsis) if origin is abc.Sequence else inner]
    return Annotated[made, IN_ORDER] if immutable_form is frozenset else made


def _refuse_mutable(annotation: Any, cls: Any, args: tuple[Any, ...]) -> None:  # noqa: ANN401 - see above
    for mutable, spelling in _MUTABLE.items():
        if cls is mutable or (
            isinstance(mutable, type)
            and mutable.__module__ == "builtins"
            and isinstance(cls, type)
            and issubclass(cls, mutable)
        ):
            names = [spelled(arg) for arg in args]
            hint = spelling.format(*names, *["K" if "{1}" in spelling else "T", "V"][len(names) :])
            raise Refused(f"{spelled(annotation)} can be mutated in place", hint)


# --- classes ----------------------------------------------------------------------------------


def _class(annotation: Any, args: tuple[Any, ...], *, within: tuple[Any, ...]) -> Any:  # noqa: ANN401 - see above
    cls = get_origin(annotation) or annotation
    if not isinstance(cls, type):
        raise Refused(f"{spelled(annotation)} is not a type that can be stored", f"Write {_GUIDE}")
    if is_typeddict(cls):
        raise Refused(f"{cls.__name__} is a dict", "Declare it as a nested WaffleModel")
    _refuse_mutable(annotation, cls, args)
    if cls is ByteSize and not within:
        return Annotated[annotation, WholeSize()]
    if issubclass(cls, enum.Enum):
        return annotation if within or saved_by_value(cls) else Annotated[annotation, ByName()]
    for arg in args:
        held(arg, within=(*within, cls))
    if cls in within:
        return annotation  # it refers to itself, and is being looked at
    if issubclass(cls, BaseModel):
        _model(cls, within)
    elif dataclasses.is_dataclass(cls):
        # `__dataclass_params__` is what `dataclasses` itself and Pydantic read.
        if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined] # no stub
            raise Refused(
                f"{cls.__name__} can be mutated in place", "Write @dataclass(frozen=True)"
            )
        _parts(cls, [field.name for field in dataclasses.fields(cls)], args, within)
    elif issubclass(cls, tuple):
        _parts(cls, getattr(cls, "_fields", ()), args, within)
    elif not immutable_class(cls) and not hasattr(cls, "__get_pydantic_core_schema__"):
        # With that hook the values may be of another class: they are looked at instead.
        raise Refused(
            f"{cls.__name__} does not compare and hash by value, so it may be mutated in place",
            f"Write {_GUIDE}",
        )
    return annotation


def _model(cls: type[BaseModel], within: tuple[Any, ...]) -> None:
    if cls.__pydantic_generic_metadata__["parameters"]:
        raise Refused(f"{cls.__name__} is generic", f"Say its type: {cls.__name__}[...]")
    if "__waffle_facts__" in vars(cls):
        return  # a WaffleModel was checked when it was made, or is being checked
    if not cls.__pydantic_complete__:
        cls.model_rebuild()  # resolves what it names; a WaffleModel is then checked
    if hasattr(cls, "__waffle_facts__"):
        return
    if (
        not cls.model_config.get("frozen")
        or cls.model_config.get("extra") == "allow"
        or cls.__private_attributes__
    ):
        raise Refused(
            f"{cls.__name__} can be mutated in place",
            f"Write class {cls.__name__}(WaffleModel), or freeze it",
        )
    for name, field in cls.model_fields.items():
        _part(cls, name, field.annotation, within)


def _parts(
    cls: type, names: abc.Iterable[str], args: tuple[Any, ...], within: tuple[Any, ...]
) -> None:
    if getattr(cls, "__parameters__", ()) and not args:
        raise Refused(f"{cls.__name__} is generic", f"Say its type: {cls.__name__}[...]")
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise Refused(f"{cls.__name__}: {error}", "Define it in the module, above") from None
    for name in names:
        _part(cls, name, hints.get(name, Any), within)


def _part(cls: type, name: str, annotation: Any, within: tuple[Any, ...]) -> None:  # noqa: ANN401 - see above
    try:
        held(annotation, within=(*within, cls))
    except Refused as refusal:
        raise Refused(f"{cls.__name__}.{name}: {refusal.reason}", refusal.hint) from None


def immutable_class(cls: type) -> bool:
    """Whether instances promise never to change: they define both `__eq__` and `__hash__`.

    That is the promise Python's data model asks of a class that hashes by value.
    """
    if issubclass(cls, (enum.Enum, types.NoneType, zoneinfo.ZoneInfo)):
        return True  # compared by identity, and one object for each value
    return cls.__hash__ not in (None, object.__hash__) and cls.__eq__ is not object.__eq__


def immutable(value: object) -> bool:
    """Whether a value, and all that it contains, cannot be changed in place."""
    waiting = [value]  # no recursion: the value may be as deep as somebody likes
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseModel):
            if not one.model_config.get("frozen"):
                return False
            waiting += [getattr(one, name) for name in type(one).model_fields]
        elif isinstance(one, (tuple, frozenset)):
            waiting += one
        elif isinstance(one, FrozenDict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (Secret, SecretStr, SecretBytes)):
            waiting.append(one.get_secret_value())
        elif not immutable_class(type(one)) or isinstance(one, (bytearray, memoryview)):
            return False
        elif dataclasses.is_dataclass(one):
            waiting += [getattr(one, part.name) for part in dataclasses.fields(one)]
    return True


# --- secrets ----------------------------------------------------------------------------------


def _is_secret(cls: Any) -> bool:  # noqa: ANN401 - see above
    return isinstance(cls, type) and issubclass(cls, (Secret, SecretStr, SecretBytes))


def _secret(annotation: Any, *, within: tuple[Any, ...]) -> Any:  # noqa: ANN401 - see above
    if within:
        raise Refused(
            f"{spelled(annotation)} is saved as asterisks by a class that is not a WaffleModel",
            "Make the class that has it a WaffleModel",
        )
    cls = get_origin(annotation) or annotation
    if issubclass(cls, (SecretStr, SecretBytes)):
        inner: Any = str if issubclass(cls, SecretStr) else bytes  # Any: an annotation
    else:
        inner = _secret_type(annotation)
    return Annotated[annotation, revealing(inner)]


def _secret_type(annotation: Any) -> Any:  # noqa: ANN401 - see above
    """The T of `Secret[T]`, or of a subclass of it."""
    args = get_args(annotation)
    bases = getattr(annotation, "__orig_bases__", ())
    for base in (annotation, *bases) if args else bases:
        if get_args(base) and not isinstance(get_args(base)[0], TypeVar):
            return held(get_args(base)[0], within=(Secret,))
    raise Refused(f"{spelled(annotation)} may hold anything", "Write Secret[T] with its type")


def has_secret(annotation: Any, seen: tuple[Any, ...] = ()) -> bool:  # noqa: ANN401 - see above
    """Whether a secret stands anywhere in the type, as `held` gives it back."""
    if _is_secret(get_origin(annotation) or annotation):
        return True
    if annotation in seen or get_origin(annotation) is Literal:
        return False
    parts = get_args(annotation)
    if hasattr(annotation, "__waffle_facts__"):
        parts = tuple(field.annotation for field in annotation.model_fields.values())
    return any(has_secret(part, (*seen, annotation)) for part in parts)


def spelled(annotation: Any) -> str:  # noqa: ANN401 - see above
    """How a developer would write the annotation."""
    if annotation is Ellipsis:
        return "..."
    if isinstance(annotation, type) and not get_args(annotation):
        return "None" if annotation is types.NoneType else annotation.__qualname__
    if get_origin(annotation) is Annotated:
        return spelled(get_args(annotation)[0])
    written = str(annotation).replace("typed_waffle.frozendict.FrozenDict[", "Mapping[")
    if "Annotated[" in written and get_origin(annotation) in (Union, types.UnionType):
        return " | ".join(spelled(arg) for arg in get_args(annotation))
    for module in ("typing.", "collections.abc.", "pydantic.types."):
        written = written.replace(module, "")
    return written
