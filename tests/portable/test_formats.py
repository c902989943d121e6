"""JSON, TOML and YAML: what is read is what was written."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from typed_waffle import ConfigurationError
from typed_waffle.portable.format import (
    FORMATS,
    Format,
    Unreadable,
    exactly,
    format_named,
    holds,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)

TRICKY = [
    *("no", "1e3", "12:30", "2024-01-01", "~", "", "0o7", "0x1F", "+5", ".5", "1_000", ".inf"),
    *(
        "<<",
        "=",
        "null",
        "true",
        "# x",
        "- a",
        "a: b",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        '"',
    ),
    *("a\nb\n", "\n", "\n\nx", "a\n b \nc", "  a\nb", "a\n\n", "a\r\nb", "trailing \n", "\t"),
    *("\0", "\ufeff\u202e", "\x85\u2028\u2029", "\x7f", "🧇", "x" * 300, "a" * 90 + " b"),
    *(-0.0, 1e16, 5e-324, 0.1, 2**63 - 1, 10**15),
    *([], {}, [[]], [{"a": 1}], {"": 1}, {"no": 1, "1": 2, "b": 3}, {"a.b": {"c d": [1]}}),
]
BEYOND = [None, [None], 2**63, 10**400, {"a": {"b": 1}, "c": 2}]
"""What TOML has no form for."""


@pytest.fixture(params=FORMATS)
def made(request: pytest.FixtureRequest) -> Format:
    return format_named(request.param)


def deep(levels: int) -> Any:  # noqa: ANN401 - plain data
    data: Any = 1
    for _ in range(levels):
        data = [data]
    return data


def test_what_people_write_is_held(made: Format) -> None:
    """Whatever else a text looks like, it comes back as the text that it was."""
    odd = BEYOND if made.name == "toml" else []
    assert [value for value in [*TRICKY, *BEYOND] if not holds(made, value)] == odd
    assert holds(made, deep(30))
    assert not holds(made, deep(40))


def test_whatever_is_held_comes_back(made: Format) -> None:
    """JSON and YAML hold all plain data; what TOML takes as it is, it gives back."""

    @settings(max_examples=30, derandomize=True, database=None, deadline=None)
    @given(st.dictionaries(st.text(max_size=5), DATA, max_size=3))
    def each(tree: dict[str, object]) -> None:
        kept = {name: data for name, data in tree.items() if holds(made, data)}
        again = made.read(made.written({"settings": kept}))
        if made.name != "toml":
            assert kept == tree
        # Tables come last in TOML, and the order of settings is the model's anyway.
        held = again["settings"]
        assert isinstance(held, dict)
        assert {n: exactly(d) for n, d in held.items()} == {n: exactly(d) for n, d in kept.items()}

    each()


def test_other_readers_of_yaml_see_the_same_texts() -> None:
    """A reader of YAML 1.1 takes no text of ours for a date or a truth value."""
    texts = {str(n): text for n, text in enumerate(TRICKY) if isinstance(text, str)}
    assert yaml.safe_load(format_named("yaml").written(texts)) == texts


def test_yaml_as_people_write_it() -> None:
    """Truth values and numbers are those of JSON; nothing at all is null."""
    text = "a: no\nb: 12:30\nc: 2024-01-01\nd: 1e3\ne: 007\nf:\ng: ~\nh: true\n1: 2\n"
    assert format_named("yaml").read(text) == {
        "a": "no",
        "b": "12:30",
        "c": "2024-01-01",
        "d": 1000.0,
        "e": "007",
        "f": None,
        "g": None,
        "h": True,
        "1": 2,
    }
    assert format_named("yaml").read("# nothing\n") == {}


def test_toml_as_people_write_it() -> None:
    """What JSON lacks becomes the text that stands for it there."""
    text = "a = 2024-01-01\nb = [12:30:00]\nc = inf\nd = -inf\ne = nan\nf = 1_000\n"
    assert format_named("toml").read(text) == {
        "a": "2024-01-01",
        "b": ["12:30:00"],
        "c": "Infinity",
        "d": "-Infinity",
        "e": "NaN",
        "f": 1000,
    }


@pytest.mark.parametrize(
    ("name", "text", "line", "why"),
    [
        ("json", '{\n"a": }', 2, "Expecting value"),
        ("json", "[1]", 1, "not an object"),
        ("json", '{"a": 1, "a": 2}', None, "'a' stands twice"),
        ("json", "[" * 100_000, None, "nested too deeply"),
        ("toml", "a = 1\nb = \n", 2, "Invalid value"),
        ("toml", "a = 1\na = 2\n", 2, "Cannot overwrite"),
        ("toml", 'a = "', 1, "Unterminated string"),
        ("toml", f"a = {'1' * 5000}", None, "digits"),
        ("toml", f"a = {'[' * 5000}", None, "nested too deeply"),
        ("yaml", "a: 1\nb: [", 2, "expected the node content"),
        ("yaml", "a: 1\na: 2", 2, "'a' stands twice"),
        ("yaml", "a: &x [1]\nb: *x", 2, "aliases are not read"),
        ("yaml", "a: 1\nb: !!python/object:os.x 1", 2, "a tag is not read"),
        ("yaml", "a: 1\nb: !!int x", 2, "not a number"),
        ("yaml", "a: !hunter!2 x", 1, r"undefined tag handle '\.\.\.'"),
        ("yaml", "a: \x01", 1, "must be escaped"),
        ("yaml", "- 1", 1, "not a mapping"),
        ("yaml", "? [a]\n: 1", 1, "a name must be a text"),
        ("yaml", f"a: {'1' * 5000}", 1, "not a number"),
        ("yaml", "[" * 500, None, "nested too deeply"),
    ],
)
def test_a_text_that_cannot_be_read(name: str, text: str, line: int | None, why: str) -> None:
    """It is told why, and where if that is known."""
    with pytest.raises(Unreadable, match=why) as refused:
        format_named(name).read(text)
    assert refused.value.line == line


LINED = {
    "json": json.dumps(
        {"x": [{"low": 1}], "settings": {"low": {"low": 0}, "b": {"c": 2}}}, indent=1
    ),
    "toml": "# low = 1\nx = '''\nlow = 2\n'''\n[settings]\nlow = {low = 0}\n[settings.b]\nc = 2\n",
    "yaml": "x:\n- low: 1\nsettings:\n  low: {low: 0}\n  b:\n    c: 2\n",
}


@pytest.mark.parametrize(
    ("name", "lines"),
    [("json", (8, 9, 11, 12, 7)), ("toml", (6, 6, 7, 8, 5)), ("yaml", (4, 4, 5, 6, 3))],
)
def test_the_line_of_a_part(name: str, lines: tuple[int, ...]) -> None:
    """Or else of what it would stand in."""
    parts = (("low",), ("low", "low"), ("b",), ("b", "c"), ("absent",))
    found = [format_named(name).line(LINED[name], ("settings", *keys)) for keys in parts]
    assert tuple(found) == lines
    assert format_named(name).line(LINED[name], ("absent",)) is None


@pytest.mark.parametrize(("name", "package"), [("toml", "tomli_w"), ("yaml", "yaml")])
def test_a_missing_extra_is_named(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"typed_waffle.portable.{name}text", raising=False)
    with pytest.raises(ConfigurationError, match=rf"{package}: pip install 'typed-waffle\[cli\]'"):
        format_named(name)
