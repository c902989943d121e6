"""The pictures in the docs: they are there, small enough, and can be taken anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.browser import Chromium
from tests.support.office_site import OfficeSite
from tests.support.screenshots import FOLDER, LARGEST, names, prepared, taken
from tests.support.servers import WORKERS

OFFICE = "shop"
SIZE = WORKERS


def test_the_pictures_are_there() -> None:
    """Each page in light, dark and on a phone; and nothing else."""
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(names())
    for name in names():
        picture = (FOLDER / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) <= LARGEST, name


@pytest.mark.slow
def test_they_can_be_taken_anew(site: OfficeSite, chromium: Chromium, tmp_path: Path) -> None:
    """What the make target does still fits the pages."""
    prepared(chromium, site)
    taken(chromium, site, tmp_path, ["light"])
    for path in tmp_path.iterdir():
        assert path.stat().st_size <= LARGEST, path.name
    assert {path.name for path in tmp_path.iterdir()} == {n for n in names() if "light" in n}
