"""Pickles: what is not plain data is refused, by its name, and nothing runs."""

from __future__ import annotations

import ast
import copyreg
import io
import os
import pickle
import subprocess
import tempfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import typed_waffle
from tests.support.plain import PROTOCOLS, plain, refusal, stored
from typed_waffle.legacy.pickles import NotPlainData
from typed_waffle.legacy.plain import LONGEST, decoded

# --- what is not ------------------------------------------------------------------------------


class Reduced:
    """Pickled as a call of whatever is wanted."""

    def __init__(self, call: Callable[..., object], *arguments: object) -> None:
        self.reduced = (call, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.reduced


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that must not come to be."""
    return tmp_path / "canary"


CALLS: dict[str, Callable[[Path], Reduced]] = {
    "posix.system": lambda path: Reduced(os.system, f"touch {path}"),
    "builtins.eval": lambda path: Reduced(eval, f"open({str(path)!r}, 'w').close()"),
    "builtins.exec": lambda path: Reduced(exec, f"open({str(path)!r}, 'w').close()"),
    "subprocess.call": lambda path: Reduced(subprocess.call, ["touch", str(path)]),
    "posix.mkdir": lambda path: Reduced(os.mkdir, str(path)),
}


@pytest.mark.parametrize("around", [lambda evil: evil, lambda evil: {"a": [1, (evil,)]}])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", CALLS)
def test_nothing_runs(
    name: str, protocol: int, around: Callable[[object], object], canary: Path
) -> None:
    """What `pickle.loads` runs is refused by its name, and does not run."""
    data = pickle.dumps(around(CALLS[name](canary)), protocol, fix_imports=False)
    assert name in refusal(data)
    assert not canary.exists()
    pickle.loads(data)  # noqa: S301 - our own: the canary does sing
    assert canary.exists()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (pickle.dumps(Reduced(subprocess.Popen, "true")), "subprocess.Popen"),
        (pickle.dumps(Reduced(getattr, "", "__class__")), "builtins.getattr"),
        (pickle.dumps(Reduced(tempfile.mkdtemp)), "tempfile.mkdtemp"),
        (pickle.dumps(Fraction(1, 2)), "fractions.Fraction"),
        (pickle.dumps(1j), "builtins.complex"),
        (pickle.dumps(bytearray(b"x"), 4), "builtins.bytearray"),
        (pickle.dumps(Decimal), "it holds a name"),
        (pickle.dumps(os.system), "posix.system"),
        (b"(S'true'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'true'\no.", "os.system"),
        (b"(S'1'\nidecimal\nDecimal\n.", "INST"),
        (b"(cdecimal\nDecimal\nS'1'\no.", "OBJ"),
        (b"\x80\x02cdecimal\nDecimal\n)\x81.", "NEWOBJ"),
        (b"\x80\x04cdecimal\nDecimal\n)}\x92.", "NEWOBJ_EX"),
        (b"ccopy_reg\n_reconstructor\n(cdecimal\nDecimal\nc__builtin__\nobject\nNtR.", "copy_reg"),
        (b"cdecimal\nDecimal\n(S'1'\ntR}S'_exp'\nI9\nsb.", "BUILD"),
        (b"cdatetime\ndatetime.__class__.mro\n.", "datetime.datetime.__class__.mro"),
        (b"\x8c\x08datetime\x8c\x11datetime.__init__\x93.", "datetime.datetime.__init__"),
        (pickle.dumps(bytearray(b"x"), 5), "BYTEARRAY8"),
        (b"\x97.", "NEXT_BUFFER"),
        (b"N0N.", "POP"),
        (b"N2.", "DUP"),
    ],
)
def test_what_is_no_plain_data_is_named(data: bytes, name: str) -> None:
    """A refusal names what was asked for, even of a class that is allowed."""
    assert name in refusal(data)


def given_to(name: str, *arguments: object) -> bytes:
    """A pickle that gives something else to a name that is allowed."""
    module, _, attribute = name.rpartition(".")
    put = pickle.dumps(arguments, 2).removeprefix(b"\x80\x02").removesuffix(b".")
    return f"c{module}\n{attribute}\n".encode() + put + b"R."


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("decimal.Decimal", ()),
        ("decimal.Decimal", (1,)),
        ("decimal.Decimal", ((0, (1,), 0),)),
        ("decimal.Decimal", ("rubbish",)),
        ("decimal.Decimal", ("NaN",)),
        ("decimal.Decimal", ("sNaN",)),
        ("decimal.Decimal", ("Infinity",)),
        ("decimal.Decimal", ("1E+999999",)),
        ("decimal.Decimal", ("1E-999999",)),
        ("datetime.date", (2015, 6, 15)),
        ("datetime.date", (b"\x07\xdf\x06\x63",)),
        ("datetime.datetime", (2015, 6, 15)),
        ("datetime.datetime", (b"\x07\xdf\x06\x63\x63\x63\x63\xff\xff\xff",)),
        ("datetime.datetime", (b"\x07\xdf\x06\x0f\0\0\0\0\0\0", "UTC")),
        ("datetime.datetime", (b"short",)),
        ("datetime.time", (b"\x63\0\0\0\0\0",)),
        ("datetime.timedelta", (1,)),
        ("datetime.timedelta", (10**9, 0, 0)),
        ("datetime.timedelta", (1.0, 0, 0)),
        ("datetime.timezone", (timedelta(days=2),)),
        ("datetime.timezone", ("UTC",)),
        ("builtins.set", ("abc",)),
        ("builtins.set", ([[]],)),
        ("builtins.frozenset", ()),
        ("builtins.bytes", (10**12,)),
        ("_codecs.encode", ("x", "rot13")),
        ("_codecs.encode", ("\u2603", "latin1")),
        ("_codecs.encode", (b"x", "latin1")),
    ],
)
def test_an_allowed_name_takes_only_what_a_pickler_gives(
    name: str, arguments: tuple[object, ...]
) -> None:
    """Other arguments of an allowed name make nothing: no 99th of June, no other codec."""
    assert refusal(given_to(name, *arguments)) == f"what it gives to {name} makes no such value"


def test_an_evil_argument_of_an_allowed_name_does_not_run(canary: Path) -> None:
    """What stands inside the arguments is refused like anything else."""
    data = given_to("decimal.Decimal", CALLS["posix.system"](canary))
    assert "posix.system" in refusal(data)
    assert not canary.exists()


@pytest.mark.parametrize(("protocol", "name"), [(0, "PERSID"), (2, "BINPERSID")])
def test_persistent_ids_are_refused(protocol: int, name: str) -> None:
    """An object that is kept elsewhere is not looked for."""

    class Keeping(pickle.Pickler):
        def persistent_id(self, obj: object) -> str | None:
            return "elsewhere" if obj == "x" else None

    written = io.BytesIO()
    Keeping(written, protocol).dump(["x"])
    assert name in refusal(written.getvalue())


@pytest.mark.parametrize(("code", "name"), [(200, "EXT1"), (2000, "EXT2"), (70_000, "EXT4")])
def test_extension_codes_are_refused(code: int, name: str, canary: Path) -> None:
    """A number that stands for a name is not looked up, even if it is registered and cached."""
    copyreg.add_extension("posix", "mkdir", code)
    try:
        data = pickle.dumps(CALLS["posix.mkdir"](canary), 2)
        pickle.loads(data)  # noqa: S301 - our own: from now on the code is cached
        canary.rmdir()
        assert name in refusal(data)
        assert not canary.exists()
    finally:
        copyreg.remove_extension("posix", "mkdir", code)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_truncated_pickle_is_refused(protocol: int) -> None:
    """No beginning of a pickle counts as one."""
    whole = pickle.dumps({"a": [1, 2.5, "x", b"y", (None, True)], "b": {Decimal(1)}}, protocol)
    for end in range(len(whole)):
        assert "not a pickle" in refusal(whole[:end])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"hello",
        b"N.N.",
        b"NN.",
        b"(N.",
        b"a.",
        b"Na.",
        b"NNa.",
        b"(Na.",
        b"]Nu.",
        b")Na.",
        b"](N\x90.",
        b"}(NNe.",
        b"}(Nu.",
        b"(Nd.",
        b"h\x05.",
        b"g5\n.",
        b"gx\n.",
        b"p0\n.",
        b"\x80\x06N.",
        b"NNR.",
        b"NN\x93.",
        b"cdecimal\nDecimal\nNR.",
        b"cdecimal\n",
        b"c\xff\n\xff\n.",
        b"\x8c\x01\xff.",
        b"X\x03\x00\x00\x00\xed\xa0\x80.",
        b"V\\ud800\n.",
        b"V\\uzzzz\n.",
        b"S'x\n.",
        b"Sx\n.",
        b"S'\\q'\n.",
        b"S'\\xzz'\n.",
        b"S'\\'\n.",
        b"Ix\n.",
        b"Fx\n.",
        b"I" + b"1" * 10_000 + b"\n.",
        b"\x8b\xff\xff\xff\xff.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
    ],
)
def test_what_is_damaged_is_refused(data: bytes) -> None:
    """Bytes that no pickler writes are told apart from what is dangerous."""
    assert refusal(data) == "it is not a pickle, or a damaged one"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("$$$$", "it is not base64"),
        ("gAROLg=", "it is not base64"),
        ("caf\xe9", "it is not base64"),
        ("\ud800", "it is not base64"),
        ("1000", "it is not a pickle"),
        ("true", "it is not a pickle"),
        ("", "it is not a pickle"),
        (None, "it is no text, but of type NoneType"),
        (1000, "it is no text, but of type int"),
        ("A" * 10_000_000, f"it is longer than {LONGEST} bytes"),
        (stored(pickle.dumps("x" * LONGEST)), f"it is longer than {LONGEST} bytes"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_the_ancestor_did_not_store(value: object, why: str) -> None:
    """A value that is no base64 of a pickle says so."""
    with pytest.raises(NotPlainData) as caught:
        decoded(value)
    assert why in str(caught.value)


# --- anything at all --------------------------------------------------------------------------

STEPS = [
    *(bytes([code]) for code in b"]})(.aeutsdlNR0\x85\x86\x87\x88\x8f\x90\x91\x93\x94"),
    *(b"K\x01", b"I7\n", b"U\x02hi", b"X\x02\0\0\0hi", b"S'a'\n", b"Vb\n", b"q\x00", b"h\x00"),
    *(b"cdecimal\nDecimal\n", b"cdatetime\ndate\n", b"c__builtin__\nset\n", b"cos\nsystem\n"),
    *(b"C\x0a\x07\xdf\x06\x0f\0\0\0\0\0\0", b"C\x04\x07\xdf\x06\x0f", b"L9L\n", b"F1\n"),
]
TYPES = (
    *(type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset),
    *(date, datetime, time, timedelta, timezone, Decimal),
)


def read(value: object) -> None:
    """Whatever it is, it is read as plain data or refused."""
    try:
        found = decoded(value)
    except NotPlainData:
        return
    assert type(found) in TYPES


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No bytes raise anything but our refusal."""
    read(stored(data))


@settings(deadline=None)
@given(st.text() | st.binary() | st.none() | st.integers())
def test_any_column_is_read_or_refused(value: object) -> None:
    """No column's value raises anything but our refusal."""
    read(value)


@settings(deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_any_instructions_are_read_or_refused(steps: list[bytes]) -> None:
    """No order of instructions raises anything but our refusal."""
    read(stored(b"".join(steps) + b"."))


@settings(deadline=None)
@given(plain, st.sampled_from(PROTOCOLS), st.data())
def test_a_pickle_with_wrong_bytes_is_read_or_refused(
    value: object, protocol: int, data: st.DataObject
) -> None:
    """A real pickle with some bytes replaced raises nothing but our refusal."""
    wrong = bytearray(pickle.dumps(value, protocol))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(wrong) - 1))
        wrong[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        if not wrong:
            break
    read(stored(bytes(wrong)))


def test_the_package_unpickles_nothing() -> None:
    """No module of the package imports a module that loads programs."""
    for path in Path(typed_waffle.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not {"pickle", "marshal", "shelve"} & set(names), path
