"""What a test needs and does not find."""

from __future__ import annotations

import os

import pytest

__all__ = ["needed"]


def needed(reason: str | None) -> None:
    """Skip with the reason at home; fail in CI, where everything must be there."""
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
