"""What a request brings: JSON, read strictly and within bounds."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.teller import MERGE, Teller
from typed_waffle.admin.guard import LARGEST

SOON = 1.0
"""Seconds of work after which what is hostile must be refused, on a slow machine."""


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    teller = Teller(tmp_path)
    yield teller
    teller.close()


def sent(teller: Teller, raw: bytes, content_type: str = MERGE) -> Any:  # noqa: ANN401 - as of `Teller.ask`
    return teller.ask("PATCH", "/api/settings", data=raw, headers={"Content-Type": content_type})


# --- types ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "application/jsonx",
        "json",
    ],
)
def test_only_json_is_read(teller: Teller, content_type: str) -> None:
    """What a form of another site can send is refused before it is read, with what is taken."""
    answer = sent(teller, b'{"low": 1}', content_type)
    assert answer.status_code == 415
    assert answer.headers["Accept-Patch"] == "application/merge-patch+json, application/json"
    answer = teller.ask(
        "POST", "/api/rollback", data=b'{"revision": 0}', headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.headers["Accept-Post"]) == (415, "application/json")
    assert teller.revision() == 0


def test_no_body_is_no_json(teller: Teller) -> None:
    """A request without a body is told that a type lacks; an empty body is no JSON."""
    assert teller.ask("PATCH", "/api/settings").status_code == 415
    assert sent(teller, b"").status_code == 400


# --- JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"low=1",
        b"{'low': 1}",
        b'{"low": 1,}',
        b'{"low": 1} {"low": 2}',
        b'{"low": 01}',
        b'{"low": NaN}',
        b'{"low": Infinity}',
        b'{"low": -Infinity}',
        b'{"low": 1e400}',
        b'{"low": 1, "low": 2}',
        b'{"smtp": {"port": 1, "port": 1}}',
        b'{"l\\u006fw": 1, "low": 1}',
        b'{"site_name": "\\ud800"}',
        b'{"\\udc00": 1}',
        b'{"site_name": "\xff"}',
        b'{"site_name": "a\nb"}',
        '{"low": 1}'.encode("utf-16"),
        '{"low": 1}'.encode("utf-8-sig"),
        b"[]",
        b'"low"',
        b"null",
        b"1",
    ],
)
def test_what_is_no_json_object_is_malformed(teller: Teller, raw: bytes) -> None:
    """What programs read in different ways, or not at all, is answered 400."""
    answer = sent(teller, raw)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert "JSON" in answer.json["detail"]
    assert teller.revision() == 0


def test_text_is_kept_as_it_is(teller: Teller) -> None:
    """Escapes, emoji, and characters that control nothing here come back as they were."""
    raw = b'{"site_name": "\\ud83e\\uddc7 \xc3\xa9 \\u0000 {{7*7}} %(x)s <b>"}'
    assert sent(teller, raw).json["site_name"] == "🧇 é \0 {{7*7}} %(x)s <b>"


# --- hostile ----------------------------------------------------------------------------------


HOSTILE = {
    "100 000 arrays in each other": (b'{"low": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "100 000 objects in each other": (b'{"low":' * 100_000 + b"1" + b"}" * 100_000, 400),
    "1 000 objects in each other": (b'{"menu":' * 1_000 + b"1" + b"}" * 1_000, 400),
    "100 levels where there are none": (b'{"menu": ' + b"[" * 100 + b"]" * 100 + b"}", 422),
    "an integer of 5 000 digits": (b'{"low": ' + b"1" * 5_000 + b"}", 400),
    "100 000 names": (b"{%s}" % b",".join(b'"k%d":1' % n for n in range(100_000)), 422),
    "100 000 entries": (b'{"menu":{%s}}' % b",".join(b'"k%d":1' % n for n in range(100_000)), 422),
    "100 000 times one name": (b"{%s}" % b",".join([b'"low":1'] * 100_000), 400),
    "100 000 parts": (b'{"smtp":{%s}}' % b",".join(b'"k%d":1' % n for n in range(100_000)), 422),
    "a name of a megabyte": (b'{"%s": 1}' % (b"k" * 1_000_000), 422),
    "a text of a megabyte": (b'{"site_name": "%s"}' % (b"x" * 1_000_000), 422),
    "an item of a megabyte": (b'{"tags": ["%s"]}' % (b"x" * 1_000_000), 422),
    "100 000 entries to take out": (
        b'{"menu":{%s}}' % b",".join(b'"k%d":null' % n for n in range(100_000)),
        422,
    ),
    "a million names": (b"{%s}" % b",".join(b'"%d":1' % n for n in range(1_000_000)), 413),
    "a byte too many": (b" " * (LARGEST + 1), 413),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused_quickly(teller: Teller, name: str) -> None:
    """A body that is too large, too deep, or of too many parts is not worked on for long."""
    raw, status = HOSTILE[name]
    teller.get("/api/settings")
    began = time.process_time()
    answer = sent(teller, raw)
    took = time.process_time() - began
    assert answer.status_code == status, answer.text[:300]
    assert len(answer.data) < 4_000
    assert took < SOON
    assert teller.revision() == 0


def test_a_body_that_is_said_to_be_huge_is_not_read(teller: Teller) -> None:
    """100 MB are refused by what the header says."""
    said = {"CONTENT_TYPE": MERGE, "CONTENT_LENGTH": str(100 * 1024 * 1024)}
    assert teller.ask("PATCH", "/api/settings", environ_overrides=said).status_code == 413


def test_a_packed_body_is_not_unpacked(teller: Teller) -> None:
    """A small body that would become a large one is refused as it is."""
    headers = {"Content-Type": MERGE, "Content-Encoding": "gzip"}
    bomb = gzip.compress(b" " * 10_000_000)
    answer = teller.ask("PATCH", "/api/settings", data=bomb, headers=headers)
    assert answer.status_code == 415


def test_notes_have_a_length(teller: Teller) -> None:
    """A note is bounded, wherever it is given."""
    long = "x" * 2001
    answer = teller.patch({"low": 1}, f"?note={long}")
    assert (answer.status_code, answer.json["parameter"]) == (400, "note")
    answer = teller.ask("POST", "/api/rollback", json={"revision": 0, "note": long})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/note")
    assert teller.patch({"low": 1}, f"?note={long[1:]}").status_code == 200
