"""Visitor: who asks, and which settings they may see and change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Rights", "Visitor"]

logger: logging.Logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rights:
    """What the developer says of who may do what. Without a rule, whoever came in may."""

    read: Callable[[str, str], bool] | None = None
    write: Callable[[str, str], bool] | None = None


@dataclass(slots=True)
class Visitor:
    """One person or program, for one request."""

    actor: str
    _rights: Rights
    _asked: dict[tuple[str, str], bool] = field(default_factory=dict)

    def may_read(self, name: str) -> bool:
        """Whether they may see a setting."""
        return self._may("read", self._rights.read, name)

    def may_write(self, name: str) -> bool:
        """Whether they may change a setting."""
        return self.may_read(name) and self._may("write", self._rights.write, name)

    def _may(self, what: str, rule: Callable[[str, str], bool] | None, name: str) -> bool:
        if rule is None:
            return True
        if (what, name) not in self._asked:
            try:
                self._asked[what, name] = bool(rule(self.actor, name))
            except Exception:
                logger.exception("may_%s failed for %r: %s stays closed", what, self.actor, name)
                self._asked[what, name] = False
        return self._asked[what, name]
