"""Paths: parts of settings, named, read, set and put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from tests.support.models import CANARY, Smtp
from typed_waffle import InvalidChange, UnknownSetting, WaffleModel
from typed_waffle.paths import assigned, at, joined, merged, names, parsed
from typed_waffle.values import MASK


@dataclass(frozen=True)
class Point:
    x: int = 0
    y: int = 0


class Outer(WaffleModel):
    inner: Smtp = Smtp()
    count: int = 1


class Mail(WaffleModel):
    smtp: Smtp = Smtp()
    outer: Outer = Outer(count=2)
    backup: Smtp | None = None
    point: Point = Point()
    limits: Mapping[str, int] = {"a": 1, "b.c": 2}
    nested: Mapping[str, Smtp] = {"main": Smtp(host="main")}
    token: SecretStr = SecretStr("")
    name: str = "x"


def update(settings: Mail, **given: str) -> dict[str, object]:
    """What becomes of settings; `__` stands for a dot."""
    changes = [
        assigned(Mail, parsed(Mail, name.replace("__", ".")), text) for name, text in given.items()
    ]
    return merged(settings, changes)[0]


@pytest.mark.parametrize(
    ("text", "field", "keys"),
    [
        ("name", "name", ()),
        ("smtp.host", "smtp", ("host",)),
        ("outer.inner.port", "outer", ("inner", "port")),
        ("backup.host", "backup", ("host",)),
        ("point.x", "point", ("x",)),
        ("limits.new", "limits", ("new",)),
        ('limits."b.c"', "limits", ("b.c",)),
        ("nested.main.host", "nested", ("main", "host")),
    ],
)
def test_a_path_names_a_part(text: str, field: str, keys: tuple[str, ...]) -> None:
    """Fields of models and dataclasses, and entries of mappings, at any depth."""
    path = parsed(Mail, text)
    assert (path.field, path.keys, str(path)) == (field, keys, text)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("smpt.host", "smtp"),
        ("smtp.hots", "smtp.host"),
        ("SMTP.host", None),
        ("smtp.Host", "smtp.host"),
        ("name.first", None),
        ("token.x", None),
        ("", None),
        ("smtp.", None),
        ('smtp."host', None),
        ("smtp..host", None),
    ],
)
def test_a_path_that_leads_nowhere(text: str, nearest: str | None) -> None:
    """The error names the nearest path."""
    with pytest.raises(UnknownSetting) as caught:
        parsed(Mail, text)
    assert caught.value.nearest == nearest or nearest is None


def test_paths_go_on() -> None:
    """For completion: fields first, behind a dot the parts."""
    assert names(Mail, "sm")[:2] == ["smtp", "outer"]
    assert names(Mail, "smtp.h") == ["smtp.host", "smtp.port", "smtp.password"]
    assert names(Mail, "name.x") == names(Mail, "nix.x") == []
    assert joined("a", ["b", "c d"]) == 'a."c d"' or joined("a", ["c d"]) == 'a."c d"'


def test_what_stands_at_a_path() -> None:
    """The part of the plain data; an entry that is not there is told, with what is."""
    data = {"a": 1, "b.c": 2}
    assert at(Mail, parsed(Mail, 'limits."b.c"'), data) == 2
    assert at(Mail, parsed(Mail, "limits"), data) == data
    with pytest.raises(UnknownSetting, match=r"did you mean 'limits.a'"):
        at(Mail, parsed(Mail, "limits.aa"), data)
    with pytest.raises(UnknownSetting):
        at(Mail, parsed(Mail, "backup.host"), None)


def test_parts_stay_as_they_are() -> None:
    """Only what is named is changed, at any depth; several parts of one setting are one value."""
    settings = Mail(smtp=Smtp(host="h", port=26, password=SecretStr("p")))
    made = Mail.model_validate(update(settings, smtp__port="27"))
    assert made.smtp == Smtp(host="h", port=27, password=SecretStr("p"))
    made = Mail.model_validate(update(settings, smtp__port="27", smtp__host="g"))
    assert (made.smtp.host, made.smtp.port) == ("g", 27)
    made = Mail.model_validate(update(settings, outer__inner__host="deep"))
    assert (made.outer.inner.host, made.outer.count) == ("deep", 2)
    made = Mail.model_validate(
        update(settings, point__y="3", limits__A="4", nested__main__port="1")
    )
    assert made.point == Point(0, 3)
    assert dict(made.limits) == {"a": 1, "b.c": 2, "A": 4}
    assert made.nested["main"] == Smtp(host="main", port=1)
    made = Mail.model_validate(update(settings, backup__host="b", nested__other__host="o"))
    assert made.backup == Smtp(host="b")
    assert made.nested["other"] == Smtp(host="o")


def test_a_part_of_a_new_value() -> None:
    """A whole value, and then a part of it."""
    made = Mail.model_validate(update(Mail(), smtp='{"host": "h"}', smtp__port="27"))
    assert made.smtp == Smtp(host="h", port=27)


def test_parts_go_back() -> None:
    """A part becomes what the default has there; an entry that the default lacks goes."""
    settings = Mail(
        outer=Outer(count=9, inner=Smtp(host="h", port=1)),
        limits={"a": 5, "z": 6},
        backup=Smtp(host="b", port=9),
        nested={"main": Smtp(host="other", port=7), "more": Smtp()},
    )
    paths = ["outer.count", "limits.z", "limits.a", "backup.port", "nested.main.host"]
    updates, whole = merged(settings, [], [parsed(Mail, p) for p in [*paths, "name"]])
    made = Mail.model_validate(updates)
    assert whole == {"name"}
    assert made.outer == Outer(count=2, inner=Smtp(host="h", port=1))
    assert dict(made.limits) == {"a": 1}
    assert made.backup == Smtp(host="b")
    assert dict(made.nested) == {"main": Smtp(host="main", port=7), "more": Smtp()}


def test_a_mask_is_no_secret() -> None:
    """The asterisks that are shown for a secret are not stored as one."""
    for path, text in (
        ("token", MASK),
        ("smtp.password", MASK),
        ("smtp", f'{{"password": "{MASK}"}}'),
    ):
        with pytest.raises(InvalidChange, match="asterisks"):
            assigned(Mail, parsed(Mail, path), text)
    assert assigned(Mail, parsed(Mail, "name"), MASK).value == MASK


def test_a_refusal_tells_no_secret() -> None:
    """A text that cannot be read is shown only if no secret may be in it."""
    with pytest.raises(InvalidChange) as caught:
        assigned(Mail, parsed(Mail, "smtp"), f"{{{CANARY}")
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(assigned(Mail, parsed(Mail, "token"), CANARY))
    with pytest.raises(InvalidChange, match=r"limits = '\{x' is refused: it is not JSON"):
        assigned(Mail, parsed(Mail, "limits"), "{x")
