"""Failure: the page for what went wrong."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

__all__ = ["failed"]


def failed(error: Exception) -> ResponseReturnValue:
    """Say what went wrong, and what to do next."""
    status = error.code or 500 if isinstance(error, HTTPException) else 500
    return str(error), status
