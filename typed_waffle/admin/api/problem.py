"""Problem: what went wrong, as RFC 9457 has it."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

__all__ = ["problem"]


def problem(error: Exception) -> ResponseReturnValue:
    """The problem document of an error."""
    status = error.code or 500 if isinstance(error, HTTPException) else 500
    return {"title": str(error), "status": status}, status
