"""The exceptions. One base, one class for each thing a caller can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

    from typed_waffle.change import Change

__all__ = [
    "BusUnavailable",
    "ConfigurationError",
    "DeclarationError",
    "InvalidChange",
    "NotBound",
    "RevisionConflict",
    "SettingLocked",
    "StoreUnavailable",
    "UnknownSetting",
    "WaffleError",
]


class WaffleError(Exception):
    """The base of every error this library raises on purpose."""

    def __reduce__(self) -> tuple[object, ...]:
        # The arguments of most classes are not their message, which is what is kept in `args`.
        return _remade, (type(self), self.args, vars(self))


def _remade(cls: type[WaffleError], args: tuple[object, ...], state: dict[str, object]) -> object:
    error = cls.__new__(cls, *args)
    vars(error).update(state)
    return error


class DeclarationError(WaffleError, TypeError):
    """A settings model declares something that cannot be a setting.

    Raised when the class is made (or, for a class with forward references, when it is given to
    `Waffle`).
    """

    model: str
    """The qualified name of the model."""
    field: str | None
    """The field at fault, or `None` if the whole model is."""
    hint: str
    """What to write instead."""

    def __init__(self, model: str, field: str | None, reason: str, hint: str) -> None:
        self.model = model
        self.field = field
        self.hint = hint
        where = f"{model}.{field}" if field else model
        super().__init__(f"{where}: {reason}. {hint}")


class InvalidChange(WaffleError, ValueError):
    """A change that the settings model refuses. Nothing was written."""

    def __init__(self, summary: str, details: Sequence[ErrorDetails]) -> None:
        super().__init__(summary)
        self._details = list(details)

    @property
    def fields(self) -> tuple[str, ...]:
        """The top-level fields at fault, in order; empty when only a rule across fields failed."""
        return tuple(dict.fromkeys(str(d["loc"][0]) for d in self._details if d["loc"]))

    def errors(self) -> list[ErrorDetails]:
        """Pydantic's error details, one for each fault; a secret's value is never among them."""
        return list(self._details)


class UnknownSetting(WaffleError, LookupError):
    """A name that the settings model does not declare."""

    model: str
    """The qualified name of the model."""
    field: str
    """The name that was asked for."""
    nearest: str | None
    """The declared name that is most like it, if one is."""

    def __init__(self, model: str, field: str, nearest: str | None, known: Sequence[str]) -> None:
        self.model = model
        self.field = field
        self.nearest = nearest
        hint = f"did you mean {nearest!r}?" if nearest else f"it declares {', '.join(known)}."
        super().__init__(f"{model} has no setting {field!r}: {hint}")


class SettingLocked(WaffleError):
    """A write to a field that an environment variable pins. Nothing was written."""

    field: str
    """The locked field."""
    variable: str
    """The environment variable that pins it; several, for parts of it, separated by commas."""

    def __init__(self, field: str, variable: str) -> None:
        self.field = field
        self.variable = variable
        one = "," not in variable
        super().__init__(
            f"{field} is locked by the environment variable{'' if one else 's'} {variable}: "
            f"nothing was written. Change the variable{'' if one else 's'} and restart, "
            f"or unset {'it' if one else 'them'} to let {field} be stored."
        )


class RevisionConflict(WaffleError):
    """Somebody else changed the settings since `expected_revision`. Nothing was written."""

    expected: int
    """The revision the caller had seen."""
    actual: int
    """The revision the store holds."""
    changes: tuple[Change, ...]
    """What changed in between, oldest first."""

    def __init__(self, expected: int, actual: int, changes: Sequence[Change]) -> None:
        self.expected = expected
        self.actual = actual
        self.changes = tuple(changes)
        fields = dict.fromkeys(f.field for c in self.changes for f in c.fields)
        between = f" In between changed: {', '.join(fields)}." if fields else ""
        super().__init__(
            f"expected revision {expected}, but the store is at {actual}: nothing was written."
            f"{between} Look at the changes, then try again with expected_revision={actual}."
        )


class StoreUnavailable(WaffleError):
    """The database could not be read or written."""

    cause: str
    """What the database said, without any value. Of an error that is none of the database's, as a
    bug in an engine's event, what it is and where it was raised."""
    in_doubt: bool
    """Whether the change may be committed all the same: nobody heard the answer to the commit."""

    def __init__(self, doing: str, cause: str, *, in_doubt: bool = False) -> None:
        self.cause = cause
        self.in_doubt = in_doubt
        after = " Whether the change was committed is not known." if in_doubt else ""
        super().__init__(
            f"the settings store cannot be reached while {doing}: {cause}.{after} "
            "Check WAFFLE_DATABASE_URL and that the database answers."
        )


class BusUnavailable(WaffleError):
    """Redis could not be asked for the fleet. Reads and writes of settings do not need it."""

    cause: str
    """What went wrong, without any password."""

    def __init__(self, doing: str, cause: str) -> None:
        self.cause = cause
        super().__init__(
            f"Redis cannot be used for {doing}: {cause}. Check WAFFLE_REDIS_URL (or the client "
            "that was handed in), that the server answers, and that the user may read the keys."
        )


class NotBound(WaffleError, RuntimeError):
    """Settings were used where no application says which settings are meant."""


class ConfigurationError(WaffleError, ValueError):
    """A `WAFFLE_*` key, an argument or an environment variable is wrong."""

    key: str
    """The key, argument or variable at fault."""
    nearest: str | None
    """The known key that is most like an unknown one."""

    def __init__(self, key: str, reason: str, *, nearest: str | None = None) -> None:
        self.key = key
        self.nearest = nearest
        hint = f" Did you mean {nearest}?" if nearest else ""
        super().__init__(f"{key}: {reason}.{hint}")
