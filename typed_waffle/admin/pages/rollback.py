"""Rollback: the way back to a revision, with a look at what it would do."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from typed_waffle.admin.counter import Back
from typed_waffle.admin.house import House
from typed_waffle.admin.pages.attempt import LONGEST_NOTE
from typed_waffle.admin.pages.numbers import number
from typed_waffle.admin.pages.rendering import page
from typed_waffle.change import Change
from typed_waffle.errors import InvalidChange, RevisionConflict, SettingLocked
from typed_waffle.model import M

__all__ = ["add"]


def add(house: House[M]) -> None:
    """Add its routes."""

    def preview(
        revision: int,
        status: int = 200,
        trouble: str | None = None,
        meanwhile: tuple[Change, ...] = (),
    ) -> ResponseReturnValue:
        back: Back | None = None
        try:
            back = house.counter("admin").foreseen_rollback(revision)
        except (InvalidChange, SettingLocked) as error:
            status, trouble = 422, str(error)
        undo = back is not None and back.revision == revision + 1
        note = request.form.get("note", f"Undo revision {revision + 1}" if undo else "")
        return page(
            house,
            "rollback",
            status,
            revision=revision,
            undo=undo,
            back=back,
            note=note,
            longest_note=LONGEST_NOTE,
            trouble=trouble,
            meanwhile=meanwhile,
        )

    def rollback(revision: int) -> ResponseReturnValue:
        """Show what going back would do; or do it."""
        if request.method != "POST":
            return preview(revision)
        expected = number(request.form.get("revision"))
        if expected is None:
            return preview(revision, 400, "The form did not say what it is about. Look again.")
        note = request.form.get("note", "").strip()
        if len(note) > LONGEST_NOTE:
            return preview(revision, 422, f"The note may have {LONGEST_NOTE} characters at most.")
        try:
            change = house.counter("admin").rollback(
                revision, note=note, expected_revision=expected
            )
        except RevisionConflict as error:
            why = "Somebody changed settings while you were looking. Nothing was written."
            return preview(revision, 409, why, error.changes)
        except (InvalidChange, SettingLocked) as error:
            return preview(revision, 422, str(error))
        if change is None:
            return preview(revision)
        return redirect(url_for(".change", revision=change.revision), 303)

    def stale(revision: int) -> ResponseReturnValue:
        why = "This form was open for too long. Nothing was written: look again, and send it again."
        return preview(revision, 400, why)

    house.blueprint.add_url_rule(
        "/rollback/<int:revision>", "rollback", rollback, methods=["GET", "POST"]
    )
    house.again["rollback"] = stale
