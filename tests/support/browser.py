"""Browser: Debian's Chromium, and what a page must never do in it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.support.needs import needed
from tests.support.waiting import PATIENCE

__all__ = ["PHONE", "Chromium", "Violation", "Window"]

PHONE = ViewportSize(width=360, height=740)

PATIENT = 1000 * PATIENCE
"""Milliseconds after which what a page must show counts as never shown: the machine is busy."""

NAMES = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",  # CI runs as root
    "--disable-dev-shm-usage",  # a container's is small
    "--disable-gpu",
)

WATCH = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error("CSP:", event.effectiveDirective, event.blockedURI, event.sample);
});
"""

AXE = "axe.run(document, { preload: false }).then((is) => is.violations)"
"""Without a preload it adds no style sheet of its own, which the policy would block."""

REFUSED = "Failed to load resource: the server responded with a status of "
"""What the console says of a page that is answered with an error, which a refusal is."""


@dataclass(frozen=True)
class Violation:
    """A rule of axe-core that a page breaks, and where."""

    rule: str
    help: str
    nodes: tuple[str, ...]


@dataclass
class Window:
    """One page, in a context of its own: nobody shares its cookies."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    """What the console said, errors, and dialogs."""
    _said: list[tuple[str, str]] = field(default_factory=list)
    _refusals: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Listen from the first moment."""
        self.context.add_init_script(WATCH)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", self._on_dialog)
        self.page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self._said.append((message.text, message.location.get("url", "")))

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # whoever leaves means it
            dialog.accept()
        else:
            self.complaints.append(f"a dialog: {dialog.message}")
            dialog.dismiss()

    def _on_response(self, response: Response) -> None:
        if response.request.is_navigation_request() and 400 <= response.status < 500:
            self._refusals.add(response.url)

    def calm(self) -> None:
        """Nothing was complained of so far: no error, no violation of the policy, no dialog."""
        for text, url in self._said:
            if not (text.startswith(REFUSED) and url in self._refusals):
                self.complaints.append(f"console: {text} ({url})")
        self._said.clear()
        assert not self.complaints, "\n".join(self.complaints)

    def violations(self) -> list[Violation]:
        """What axe-core finds in the page as it stands."""
        self.page.evaluate(_axe())
        found: list[dict[str, Any]] = self.page.evaluate(AXE)
        return [
            Violation(
                one["id"],
                one["help"],
                tuple(
                    f"{json.dumps(node['target'])} {node.get('failureSummary', '')}"
                    for node in one["nodes"]
                ),
            )
            for one in found
        ]

    def close(self) -> None:
        """Close it, and every cookie of it is gone."""
        self.context.close()


class Chromium:
    """A running browser; windows are opened in it."""

    def __init__(self) -> None:
        path = next(filter(None, map(shutil.which, NAMES)), None)
        needed(None if path else "Chromium is not installed: `apt-get install chromium`")
        expect.set_options(timeout=PATIENT)
        self._playwright = sync_playwright().start()
        try:
            self._browser: Browser = self._playwright.chromium.launch(
                executable_path=path, args=list(ARGUMENTS)
            )
        except BaseException:
            self._playwright.stop()
            raise

    def window(
        self,
        base: str,
        *,
        cookies: dict[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - of Playwright's new_context
    ) -> Window:
        """A new window; addresses are below `base`."""
        context = self._browser.new_context(base_url=base, **options)
        context.set_default_timeout(PATIENT)
        for name, value in (cookies or {}).items():
            context.add_cookies([{"name": name, "value": value, "url": base}])
        return Window(context, context.new_page())

    def close(self) -> None:
        """End it, and what drives it."""
        self._browser.close()
        self._playwright.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()


def _axe() -> str:
    """The source of axe-core; a debugger's way into the page, which no policy blocks."""
    found = find_spec("axe_playwright_python")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")
