"""Writer: makes one change by the worker of this context, for `Waffle` and for our own surfaces."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Generic

from typed_waffle.bindings import Bindings
from typed_waffle.change import Change, Channel
from typed_waffle.edit import Draft, Edit
from typed_waffle.ledger import Allow
from typed_waffle.model import M
from typed_waffle.runtime import Runtime

__all__ = ["Writer"]


class Writer(Generic[M]):
    """Commits drafts where the context says, and lets the context see what it wrote."""

    def __init__(self, bindings: Bindings[M]) -> None:
        self._bindings = bindings

    @contextmanager
    def edit(
        self,
        channel: Channel,
        *,
        actor: str | None = None,
        note: str | None = None,
        expected_revision: int | None = None,
        exact: bool = False,
    ) -> Generator[Edit[M], None, None]:
        """As `Waffle.edit`. A surface says through which channel the change comes.

        With `exact`, a value is stored even if it is in force as the default.
        """
        draft = Draft(uuid.uuid4().hex, actor, note, channel, expected_revision, exact=exact)
        edit: Edit[M] = Edit(draft)
        yield edit
        edit.change = self._commit(draft, Runtime.write)

    def rollback(
        self,
        revision: int,
        actor: str | None,
        note: str | None,
        expected_revision: int | None,
        allow: Allow | None = None,
    ) -> Change | None:
        """As `Waffle.rollback`. `allow` is told which settings it is about, before it is made."""
        draft = Draft(uuid.uuid4().hex, actor, note, "rollback", expected_revision)
        return self._commit(draft, lambda runtime, draft: runtime.rollback(revision, draft, allow))

    def _commit(
        self, draft: Draft, write: Callable[[Runtime[M], Draft], Change | None]
    ) -> Change | None:
        binding = self._bindings.meant()
        if draft.actor is None and binding.config.actor is not None:
            draft.actor = binding.config.actor()
        runtime = binding.started().runtime
        change = write(runtime, draft)
        self._bindings.repin(runtime.live)
        return change
