"""Conditional: what a request says of the revision that it has seen (RFC 9110, section 13)."""

from __future__ import annotations

import re
from typing import Final

from flask import request
from werkzeug.exceptions import BadRequest, PreconditionFailed

from typed_waffle.admin.counter import Counter
from typed_waffle.model import M

__all__ = ["CONDITION", "expected", "known_already", "tag"]

_TAG: Final = r'(?:(?:W/)?"[!#-~]*"|[0-9]{1,15})'
"""An entity tag; a revision without the quotes, which shells take away, is its tag."""

_TAGS: Final = rf"\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG})*"

CONDITION: Final = r'^(\*|(W/)?"[0-9]{1,15}"|[0-9]{1,15})$'
"""What a client has reason to send in `If-Match` and in `If-None-Match`. More is read."""

_REVISION: Final = re.compile(r'"(0|[1-9][0-9]{0,14})"')


def tag(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"{revision}"'


def known_already(revision: int) -> bool:
    """Whether the client says that it has this revision already.

    Raises:
        BadRequest: the header is not of the form that it must have.
    """
    given = _given("If-None-Match")
    return given is not None and bool({"*", tag(revision)} & {t.removeprefix("W/") for t in given})


def expected(counter: Counter[M]) -> int | None:
    """The revision on which the client bases a change, if it says so.

    Raises:
        BadRequest: the header is not of the form that it must have.
        PreconditionFailed: it names no revision.
        StoreUnavailable: the store does not answer.
    """
    given = _given("If-Match")
    if given is None or given == ["*"]:
        return None
    revisions = [int(found[1]) for one in given if (found := _REVISION.fullmatch(one))]
    if not revisions:
        raise PreconditionFailed("If-Match names no revision. Nothing was written.")
    if len(revisions) > 1:
        now = counter.revision()
        return now if now in revisions else max(revisions)
    return revisions[0]


def _given(header: str) -> list[str] | None:
    """The tags in a header, or the asterisk."""
    if header not in request.headers:
        return None
    text = ",".join(request.headers.getlist(header)).strip(" \t")
    if not re.fullmatch(_TAGS, text):
        raise BadRequest(f'{header} must be * or tags, as "12" is one.')
    tags = re.findall(_TAG, text)
    return ["*"] if text == "*" else [tag(int(t)) if t.isdecimal() else t for t in tags]
