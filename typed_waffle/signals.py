"""The signals that an application can listen to."""

from __future__ import annotations

from blinker import Signal

from typed_waffle.deliveries import every

__all__ = ["emit", "settings_changed", "settings_rejected"]

settings_changed: Signal = Signal()
"""Sent in every worker after a swap that changed a value.

The sender is the Flask app (or the `Waffle`, without Flask); keywords: `waffle`, and `old` and
`new`, the two snapshots.
"""

settings_rejected: Signal = Signal()
"""Sent in a worker that cannot accept what is stored, once for each revision.

The sender is as above; keywords: `waffle`, `revision`, and `reasons`, field name to reason (the
name is "" for a rule across fields).
"""


def emit(signal: Signal, sender: object, **facts: object) -> None:
    """Call every receiver; one that raises is logged and the others still run."""
    every(
        list(signal.receivers_for(sender)),
        lambda receiver: receiver(sender, **facts),
        "a receiver of a settings signal failed: %r",
    )
