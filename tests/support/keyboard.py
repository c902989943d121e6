"""Keyboard: a person without a mouse, who goes from control to control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

__all__ = ["Keyboard", "Stop"]

MARK = """
() => {
  const all = "a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex='0']";
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled;
  const groups = new Set();
  let count = 0;
  for (const one of document.querySelectorAll(all)) {
    if (!seen(one)) continue;
    if (one.type === "radio") {
      // One stop for all radio buttons of a name; arrows go from one to the next.
      if (groups.has(one.name)) continue;
      groups.add(one.name);
    }
    one.dataset.stop = String(count);
    count += 1;
  }
  return count;
}
"""

HERE = """
() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const seen = [0.1, 0.5, 0.9].some((part) => {
    const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height * part);
    return at && (one.contains(at) || at.contains(one) || one.labels?.length);
  });
  const radio = one.type === "radio" ? document.querySelector(
    `[data-stop][name="${CSS.escape(one.name)}"]`) : one;
  return {
    stop: radio?.dataset.stop ?? null,
    what: one.outerHTML.slice(0, 160),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
    seen,
  };
}
"""


@dataclass(frozen=True)
class Stop:
    """A place where the focus is."""

    number: int | None
    what: str
    visible: bool
    """Whether something shows that the focus is here, and nothing covers it."""


@dataclass
class Keyboard:
    """Presses keys at a page."""

    page: Page

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Type over what stands in a control."""
        self.press("Control+a")
        self.page.keyboard.type(text)

    def here(self) -> Stop | None:
        """Where the focus is, if it is in the page."""
        found: dict[str, Any] | None = self.page.evaluate(HERE)
        if found is None:
            return None
        number = found["stop"] and int(found["stop"])
        return Stop(number, found["what"], found["outlined"] and found["seen"])

    def walk(self) -> tuple[int, list[Stop]]:
        """How many stops there are, and those where Tab goes, once around the page.

        A date has several places within one stop.
        """
        count: int = self.page.evaluate(MARK)
        stops: list[Stop] = []
        for _ in range(3 * count + 20):
            self.press("Tab")
            stop = self.here()
            if stop is None or stop.number == (stops[-1].number if stops else None):
                continue
            if any(stop.number == before.number for before in stops):
                break
            stops.append(stop)
        first = next((at for at, stop in enumerate(stops) if stop.number == 0), 0)
        return count, stops[first:] + stops[:first]

    def reach(self, selector: str, most: int = 300, key: str = "Tab") -> None:
        """Press Tab until the focus is on what fits the selector."""
        for _ in range(most):
            if self.page.locator(selector).first.evaluate("one => one === document.activeElement"):
                return
            self.press(key)
        raise AssertionError(f"Tab does not come to {selector}; it is at {self.here()}")
