"""Settings: the form of all settings, the review of what was typed into it, and the saving."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, Generic

from flask import Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from typed_waffle.admin.counter import Barred, Counter
from typed_waffle.admin.guard import told_of, visitor
from typed_waffle.admin.house import House
from typed_waffle.admin.pages.attempt import LONGEST_NOTE, Attempt, attempted, observed
from typed_waffle.admin.pages.failure import RETRY_AFTER
from typed_waffle.admin.pages.rendering import page
from typed_waffle.admin.pages.review import carried, reviewed
from typed_waffle.admin.pages.row import FILTERS, matching, sections_of
from typed_waffle.admin.pages.sheet import Sheet, sheet_of
from typed_waffle.admin.pages.typed import FRESH, Posted, Reader
from typed_waffle.errors import RevisionConflict, StoreUnavailable
from typed_waffle.model import M

__all__ = ["add"]

_TYPES: Final = {
    "number": "number",
    "date": "date",
    "time": "time",
    "local": "datetime-local",
    "utc": "datetime-local",
    "password": "password",
}
"""Of the inputs that are no plain text."""

_ATTEMPTS: Final = 5
"""How often a change is judged anew because somebody else wrote meanwhile."""

_SAME: Final = "Nothing was changed: everything is as it was."
_STALE: Final = (
    "This form was open for too long, or does not come from this page. Nothing was written, and "
    "everything that you typed is still here: review it once more."
)
_STALE_IN_PART: Final = (
    "This form was open for too long, or does not come from this page. Nothing was written. What "
    "you typed is still here, but for what is said above."
)


def add(house: House[M]) -> None:
    """Add its routes, and take the model apart while nobody waits for it, maybe before a fork."""
    pages = _Pages(house)
    sheet_of(house.waffle.model)  # pyright: ignore[reportArgumentType] # as below
    blueprint = house.blueprint
    blueprint.add_url_rule("/", "settings", pages.settings)
    for name, view in (("review", pages.review), ("edit", pages.edit), ("save", pages.save)):
        blueprint.add_url_rule(f"/{name}", name, pages.kept(view), methods=["POST"])
        house.again[name] = pages.kept(pages.stale)


class _Pages(Generic[M]):
    """The views."""

    def __init__(self, house: House[M]) -> None:
        self._house = house

    def settings(self) -> ResponseReturnValue:
        """Every setting, or those that are looked for."""
        counter = self._counter()
        attempt = observed(counter, self._sheet, Posted(FRESH))
        notice = _SAME if request.args.get("notice") == "same" else None
        return self._form(counter, attempt, notice=notice)

    def review(self) -> ResponseReturnValue:
        """What saving would do. Nothing is written."""
        counter = self._counter()
        attempt = attempted(counter, self._sheet, self._posted())
        if attempt.faults:
            return self._refused(counter, attempt)
        if not attempt.fields and not attempt.overlaps:
            attempt.typed.clear()
            return self._form(counter, attempt, notice=_SAME)
        return self._review(attempt)

    def edit(self) -> ResponseReturnValue:
        """The form again, with what was typed."""
        counter = self._counter()
        attempt = observed(counter, self._sheet, self._posted())
        return self._refused(counter, attempt, 200)

    def save(self) -> ResponseReturnValue:
        """Make the change, unless it is refused, or first needs a decision."""
        counter = self._counter()
        for _ in range(_ATTEMPTS):
            attempt = attempted(counter, self._sheet, self._posted())
            if attempt.faults:
                return self._refused(counter, attempt)
            if attempt.overlaps:
                return self._review(attempt, asked=True)
            if attempt.fields and "unseen" in request.form:
                return self._review(attempt)  # only now is it known what would change
            try:
                change = counter.change(
                    attempt.posted.assignments,
                    attempt.posted.resets,
                    note=attempt.posted.note,
                    expected_revision=attempt.revision,
                )
            except RevisionConflict:
                continue
            if change is None:
                return redirect(url_for(".settings", notice="same"), 303)
            return redirect(url_for(".change", revision=change.revision), 303)
        attempt = attempted(counter, self._sheet, self._posted())
        if attempt.faults:
            return self._refused(counter, attempt)
        return self._review(attempt, overtaken=True)

    def stale(self) -> ResponseReturnValue:
        """The form again, with what was typed and a fresh token. Nothing is written."""
        counter = self._counter()
        attempt = observed(counter, self._sheet, self._posted())
        trouble = _STALE_IN_PART if attempt.faults else _STALE
        return self._form(counter, attempt, 400, trouble=trouble)

    def kept(self, view: Callable[[], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
        """The view; or, if the database does not answer, a page that keeps what was typed."""

        @functools.wraps(view)
        def seen() -> ResponseReturnValue:
            try:
                return view()
            except StoreUnavailable as error:
                posted, reader = self._posted(), self._reader
                answer = page(
                    self._house,
                    "away",
                    503,
                    error=error,
                    posted=posted,
                    carried=carried(posted, reader),
                    unseen="unseen" in request.form,
                    again=(request.endpoint or "").rpartition(".")[2],
                )
            answer.headers["Retry-After"] = RETRY_AFTER
            return answer

        return seen

    # --- what they share ----------------------------------------------------------------------

    @property
    def _sheet(self) -> Sheet:
        return sheet_of(self._house.waffle.model)  # pyright: ignore[reportArgumentType] # a class hashes, whatever its instances do

    def _counter(self) -> Counter[M]:
        return self._house.counter("admin")

    @property
    def _reader(self) -> Reader:
        waffle = self._house.waffle
        return Reader(self._sheet, waffle.model, waffle.namespace, visitor())

    def _posted(self) -> Posted:
        return self._reader.posted(request.form)

    def _form(
        self,
        counter: Counter[M],
        attempt: Attempt,
        status: int = 200,
        *,
        notice: str | None = None,
        trouble: str | None = None,
    ) -> Response:
        """The page of all settings."""
        root = sections_of(self._sheet.root, attempt, self._reader, counter.writable())
        query, show = request.args.get("q", ""), request.args.get("show", "all")
        show = show if show in FILTERS else "all"
        count = matching(root, query, show) if request.method == "GET" else None
        return page(
            self._house,
            "settings",
            status,
            attempt=attempt,
            worker=counter.me(),
            root=root,
            total=sum(1 for _ in root.every()),
            count=count,
            query=query,
            show=show,
            filters=FILTERS,
            types=_TYPES,
            edit_url=url_for(".edit"),
            poll=_poll(),
            notice=notice,
            trouble=trouble,
        )

    def _refused(self, counter: Counter[M], attempt: Attempt, status: int = 422) -> Response:
        """The form with what was typed; what they may not change is logged as any refusal is."""
        if attempt.posted.barred:
            fields = [self._sheet.leaves[name].path.field for name in attempt.posted.barred]
            told_of(Barred(dict.fromkeys(fields)))
            status = 403
        return self._form(counter, attempt, status)

    def _review(
        self, attempt: Attempt, *, asked: bool = False, overtaken: bool = False
    ) -> Response:
        """The page of what saving would do.

        Args:
            attempt: What was typed.
            asked: Whether a decision was asked for before.
            overtaken: Whether it was to be saved, and others were faster each time.
        """
        return page(
            self._house,
            "review",
            409 if attempt.overlaps or overtaken else 200,
            attempt=attempt,
            worker=self._counter().me(),
            review=reviewed(attempt, self._reader),
            asked=asked,
            overtaken=overtaken,
            longest_note=LONGEST_NOTE,
        )


def _poll() -> str | None:
    """Where a page asks whether somebody else changed the settings, if there is such a place."""
    there = f"{request.blueprint}.api_settings" in current_app.view_functions
    return url_for(".api_settings") if there else None
