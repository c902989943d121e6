"""axe-core finds nothing to complain of."""

import pytest
from tests.support.browser import Window
from tests.support.office_site import OfficeSite

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", ["", "history", "workers", "compare"])
def test_page(site: OfficeSite, window: Window, path: str) -> None:
    window.page.goto(f"/settings/{path}")
    assert window.violations() == []
