"""An application for the commands, alone in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask

from tests.support.kiosk import create_app, waffle


@pytest.fixture
def kiosk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The kiosk on a database of its own, with keys, without Redis."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    yield create_app(
        WAFFLE_DATABASE_URL=f"sqlite:///{tmp_path / 'kiosk.db'}",
        WAFFLE_ENCRYPTION_KEYS=[Fernet.generate_key().decode()],
        WAFFLE_ENV_PREFIX="KIOSK_",
    )
    waffle.close()
