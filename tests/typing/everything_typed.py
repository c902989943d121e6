# Written by `python -m typed_waffle.stubgen tests.typing.everything:everything`: run that again, do not edit.
# fmt: off
# ruff: noqa: PGH004
# ruff: noqa
# mypy: disable-error-code="override, explicit-override"
# pyright: reportIncompatibleMethodOverride=false, reportImplicitOverride=false
# pyright: reportPrivateUsage=false
"""`everything` of `tests.typing.everything`: the same object, whose settings type checkers know by name."""

import typing

import tests.typing.everything as _declared

if typing.TYPE_CHECKING:
    import builtins
    import collections.abc
    import contextlib
    import datetime as _datetime
    import decimal
    import fractions
    import ipaddress
    import pathlib
    import pydantic as _pydantic
    import re
    import tests.support.models as _tests_support_models
    import tests.typing.everything as _tests_typing_everything
    import typed_waffle
    import typed_waffle.edit
    import typed_waffle.override
    import typing as _typing
    import uuid
    import zoneinfo

    class SettingsFields(typing.TypedDict, total=False):
        """What `update` and `override` take."""

        held: tuple[_tests_typing_everything.Planet, ...] | None
        spares: collections.abc.Sequence[tuple[_tests_typing_everything.Planet, ...]]
        label: _tests_typing_everything.Planet | None
        site_name: str
        """Shown in the page "header".

        Over several lines, with a \\ in it, a       , and quotes at the end: \"\""x\""""
        maintenance: bool
        count: builtins.int
        share: float
        price: decimal.Decimal
        part: fractions.Fraction
        number: builtins.int | decimal.Decimal
        cents: _tests_typing_everything.Cents
        raw: bytes
        ident: uuid.UUID
        folder: pathlib.Path
        pure: pathlib.PurePath
        pattern: re.Pattern[str]
        code: str
        day: _datetime.date
        past: _pydantic.PastDate
        moment: _pydantic.AwareDatetime
        span: _datetime.timedelta
        zone: zoneinfo.ZoneInfo
        address: ipaddress.IPv4Address
        any_address: _pydantic.IPvAnyAddress | None
        url: _pydantic.AnyUrl | None
        home: _pydantic.HttpUrl | None
        database: _pydantic.PostgresDsn | None
        mail: _pydantic.EmailStr
        max_filesize: _pydantic.ByteSize
        colour: _tests_typing_everything.Colour
        size: _tests_typing_everything.Size
        access: _tests_typing_everything.Access
        mode: _typing.Literal["on", "off", 1, True, None]
        password: _pydantic.SecretStr
        key: _pydantic.SecretBytes
        pin: _pydantic.Secret[builtins.int]
        pair: tuple[builtins.int, str]
        nothing: tuple[()]
        many: tuple[bytes, ...]
        names: collections.abc.Sequence[str]
        planets: collections.abc.Set[_tests_typing_everything.Planet]
        numbers: frozenset[builtins.int | None]
        prices: collections.abc.Mapping[str, collections.abc.Mapping[_tests_typing_everything.Planet, builtins.int]]
        limits: _tests_typing_everything.Limits
        table: _tests_typing_everything.Table[_tests_typing_everything.Size]
        note: str | None
        animal: _tests_typing_everything.Cat | _tests_typing_everything.Dog
        node: _tests_typing_everything.Node
        foreign: _tests_support_models.Foreign
        point: _tests_typing_everything.Point
        corner: _tests_typing_everything.Pair
        box: _tests_typing_everything.Box[builtins.int]
        boxes: collections.abc.Mapping[str, _tests_typing_everything.Box[_tests_typing_everything.Size]]
        smtp: _tests_support_models.Smtp
        other_smtp: _tests_typing_everything.Outer.Smtp
        page_size: builtins.int
        update: builtins.int
        int: bool
        datetime: _datetime.datetime | None
        pydantic: _pydantic.HttpUrl | None
        typing: _typing.Literal["x"]
        tests: _tests_typing_everything.Size

    SettingsField: typing.TypeAlias = typing.Literal[
        "held",
        "spares",
        "label",
        "site_name",
        "maintenance",
        "count",
        "share",
        "price",
        "part",
        "number",
        "cents",
        "raw",
        "ident",
        "folder",
        "pure",
        "pattern",
        "code",
        "day",
        "past",
        "moment",
        "span",
        "zone",
        "address",
        "any_address",
        "url",
        "home",
        "database",
        "mail",
        "max_filesize",
        "colour",
        "size",
        "access",
        "mode",
        "password",
        "key",
        "pin",
        "pair",
        "nothing",
        "many",
        "names",
        "planets",
        "numbers",
        "prices",
        "limits",
        "table",
        "note",
        "animal",
        "node",
        "foreign",
        "point",
        "corner",
        "box",
        "boxes",
        "smtp",
        "other_smtp",
        "page_size",
        "update",
        "int",
        "datetime",
        "pydantic",
        "typing",
        "tests",
    ]
    SettingsPastField: typing.TypeAlias = SettingsField | typing.Literal[
        "per_page",
    ]

    _R = typing.TypeVar("_R")

    class SettingsEdit(typed_waffle.edit.Edit[_tests_typing_everything.Settings]):
        def update(self, /, **fields: typing.Unpack[SettingsFields]) -> None: ...
        def reset(self, *fields: SettingsField) -> None: ...

    class SettingsSnapshot(typed_waffle.Snapshot[_tests_typing_everything.Settings]):
        def origin(
            self, field: SettingsField
        ) -> _typing.Literal["default", "stored", "environment", "override"]: ...

    class SettingsWaffle(typed_waffle.Waffle[_tests_typing_everything.Settings]):
        def snapshot(self) -> SettingsSnapshot: ...
        def history(
            self,
            *,
            field: SettingsPastField | None = None,
            limit: int = 50,
            before: int | None = None,
        ) -> tuple[typed_waffle.Change, ...]: ...
        def update(
            self, /, **fields: typing.Unpack[SettingsFields]
        ) -> typed_waffle.Change | None: ...
        def reset(self, *fields: SettingsField) -> typed_waffle.Change | None: ...
        @contextlib.contextmanager
        def edit(
            self,
            *,
            actor: str | None = None,
            note: str | None = None,
            expected_revision: int | None = None,
        ) -> collections.abc.Generator[SettingsEdit, None, None]: ...
        def override(
            self, /, **fields: typing.Unpack[SettingsFields]
        ) -> typed_waffle.override.Override[_tests_typing_everything.Settings]: ...
        def on_change(
            self, *fields: SettingsField
        ) -> collections.abc.Callable[
            [collections.abc.Callable[[_tests_typing_everything.Settings, _tests_typing_everything.Settings], _R]],
            collections.abc.Callable[[_tests_typing_everything.Settings, _tests_typing_everything.Settings], _R],
        ]: ...

everything = typing.cast("SettingsWaffle", _declared.everything)
