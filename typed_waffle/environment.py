"""Fields that environment variables pin.

pydantic-settings decides how the text of one variable is read. What the text is of, and what of the
default stays beside it, is decided here.
"""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError, create_model

from typed_waffle.errors import ConfigurationError
from typed_waffle.journal import logger_of
from typed_waffle.model import WaffleModel, facts
from typed_waffle.parts import Parts, bare, over, put
from typed_waffle.refusal import details, fault, secrets_of, sentence
from typed_waffle.texts import takes
from typed_waffle.values import dumped, loaded, same
from typed_waffle.variables import Variable, assigned, utf8

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from pydantic_settings import EnvSettingsSource

__all__ = ["Locks", "Pinned", "locks", "source", "without_rules_across"]

logger: logging.Logger = logger_of(__name__)


@dataclass(frozen=True, slots=True)
class Pinned:
    """One field that the environment decides."""

    variable: str
    """The variable that pins it; several, each of a part of it, are separated by commas."""
    text: str = field(repr=False)
    """The value as JSON text."""


Locks = Mapping[str, Pinned]
"""Field name to what pins it."""


def source() -> EnvSettingsSource:
    """What reads the text of a variable.

    Raises:
        ConfigurationError: pydantic-settings is not installed.
    """
    try:
        from pydantic_settings import BaseSettings, EnvSettingsSource  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            "WAFFLE_ENV_PREFIX",
            "to read settings from the environment, pydantic-settings is needed "
            f"({error}): pip install 'typed-waffle[env]'",
        ) from error
    return EnvSettingsSource(BaseSettings, case_sensitive=False)


def locks(model: type[WaffleModel], prefix: str, environ: Mapping[str, str]) -> dict[str, Pinned]:
    """The fields that `environ` pins.

    A variable is named by the prefix and the field, in any case; one of a part goes on with `__`
    and the part's name. Parts that no variable names are those of the field's default. A variable
    that names nothing is logged.

    Raises:
        ConfigurationError: a field refuses its value, or pydantic-settings is not installed.
    """
    reader = source()
    found = assigned(model, prefix, environ)
    _log(prefix, found.strays)
    check = _Check(model)
    pinned: dict[str, Pinned] = {}
    for name in facts(model):
        variables = found.fields.get(name, ())
        if variables:
            given: object = Parts()
            for variable in variables:
                given = put(given, variable.path, _read(model, name, variable, reader))
            value = over(model.model_fields[name].default, given)
            pinned[name] = Pinned(_names(variables), check.text(name, value, variables))
    return pinned


def _log(prefix: str, strays: Mapping[str, str | None]) -> None:
    if strays:
        shown = ", ".join(f"{name} ({why})" if why else name for name, why in strays.items())
        logger.warning(
            "these environment variables begin with %s and pin no setting: %s",
            prefix,
            shown.encode("utf-8", "backslashreplace").decode("utf-8"),
        )


def _names(variables: Iterable[Variable]) -> str:
    return ", ".join(sorted(variable.name for variable in variables))


# --- reading ----------------------------------------------------------------------------------


def _read(
    model: type[WaffleModel], name: str, variable: Variable, reader: EnvSettingsSource
) -> object:
    """The value that a variable's text stands for.

    It is what pydantic-settings makes of it, as text or as JSON, unless only the other fits the
    type: `null` for an `int | None`, `5` for a `str | tuple[str, ...]`.
    """
    readings: list[object] = []
    why = None if utf8(variable.text) else "it is not UTF-8"
    if why is None:
        with contextlib.suppress(ValueError, RecursionError):
            readings.append(_prepared(reader, variable))
        why = None if readings else "it is not JSON, which a value of this type needs"
        readings.append(variable.text)
        with contextlib.suppress(ValueError, RecursionError):
            readings.append(json.loads(variable.text))
    for reading in readings:
        if takes(variable.info, reading):
            return reading
    if why is not None:
        where = ".".join((name, *variable.path))
        secret = facts(model)[name].secret
        raise _refusal(variable.name, [fault(where, variable.text, why, secret=secret)])
    return readings[0]


def _prepared(reader: EnvSettingsSource, variable: Variable) -> object:
    reader.env_vars = {"value": variable.text}
    raw, _, is_complex = reader.get_field_value(variable.info, "value")
    value: object = reader.prepare_field_value("value", variable.info, raw, is_complex)
    return value


# --- checking ---------------------------------------------------------------------------------


class _Check:
    """Turns values into texts, one after another, by the rules of each field alone.

    Rules across fields are judged later, when all values are known.
    """

    def __init__(self, model: type[WaffleModel]) -> None:
        self._model = model
        self._alone = without_rules_across(model)
        self._given: dict[str, object] = {}
        self._typed: dict[str, object] = {}
        self._texts: dict[str, str] = {}

    def text(self, name: str, value: object, variables: tuple[Variable, ...]) -> str:
        """The JSON text of a field's value, which may be made of strings.

        Raises:
            ConfigurationError: the field refuses it.
        """
        self._given[name] = value
        found: list[ErrorDetails] = []
        why: str | None = None
        try:
            self._typed[name] = getattr(self._validated(), name)
        except ValidationError as error:
            found = details(self._model, error, self._secrets())
        except Exception as error:  # noqa: BLE001 - a validator of the user's may raise anything
            why = f"a validator raised {type(error).__name__}"
        else:
            why = self._dumped(name)
        if why is not None:
            shown = self._typed.get(name, value)
            found = [fault(name, shown, why, secret=facts(self._model)[name].secret)]
        if found:
            raise _refusal(_at_fault(variables, found), found)
        return self._texts[name]

    def _validated(self) -> BaseModel:
        # A text cannot be strict; and the validators of a field see the values of those before it.
        return self._alone.model_validate(self._given, strict=False, by_alias=False, by_name=True)

    def _dumped(self, name: str) -> str | None:
        """Keep the text; or why there is none."""
        value = self._typed[name]
        settings = self._model().model_copy(update={name: value})
        try:
            self._texts[name] = dumped(settings, [name])[name]
            survived = same(value, getattr(loaded(self._alone, self._texts), name))
        except Exception:  # noqa: BLE001 - a validator of the user's may raise anything
            survived = False
        return None if survived else "it does not survive JSON, in which settings are kept"

    def _secrets(self) -> frozenset[str]:
        return secrets_of(self._model, self._given) | secrets_of(self._model, self._typed)


def without_rules_across(
    model: type[WaffleModel], leave_out: Collection[str] = ()
) -> type[BaseModel]:
    """The same fields, each with its own rules only, some validators left out by name."""
    config = model.model_config.copy()
    config["alias_generator"] = None
    config["use_attribute_docstrings"] = False
    config["validate_default"] = False
    fields: dict[str, Any] = {  # Any: run-time annotations
        name: (bare(info), info.default) for name, info in model.model_fields.items()
    }
    with warnings.catch_warnings():  # what Pydantic thinks of a name, it said of the model
        warnings.simplefilter("ignore")
        alone: type[BaseModel] = create_model(model.__name__, __config__=config, **fields)
    validators = model.__pydantic_decorators__.field_validators
    alone.__pydantic_decorators__.field_validators.update(
        {name: found for name, found in validators.items() if name not in leave_out}
    )
    alone.model_rebuild(force=True)
    return alone


def _at_fault(variables: tuple[Variable, ...], found: Iterable[ErrorDetails]) -> str:
    """The variables that gave what is refused: of each detail the one that is nearest to it."""
    names: dict[str, None] = {}
    for detail in found:
        where = tuple(map(str, detail["loc"][1:]))
        near = [v for v in variables if v.path == where[: len(v.path)]]
        names[near[-1].name if near else _names(variables)] = None
    return ", ".join(names)


def _refusal(variable: str, found: Iterable[ErrorDetails]) -> ConfigurationError:
    said = "; ".join(sentence(detail).rstrip(".") for detail in found)
    return ConfigurationError(variable, f"{said}. Correct it, or unset the variable")
