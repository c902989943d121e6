"""Row: one leaf as the page shows it, with its value and what is known of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from typed_waffle.admin.pages.attempt import Attempt
from typed_waffle.admin.pages.leaf import Leaf, Shown
from typed_waffle.admin.pages.overlap import at, base_of
from typed_waffle.admin.pages.sheet import Group
from typed_waffle.admin.pages.typed import Reader, Typed
from typed_waffle.catalog import Entry
from typed_waffle.change import Change, Stamp
from typed_waffle.portable.format import exactly
from typed_waffle.snapshot import Origin

__all__ = ["FILTERS", "Row", "Section", "matching", "sections_of"]

FILTERS: Final = {
    "all": "All",
    "changed": "Changed from the default",
    "locked": "Locked",
    "secret": "Secret",
    "problem": "With a problem",
}
"""What may be asked for by `?show=`, and in words."""

_SHORT: Final = 80
"""Characters of a default."""

_TIMES: Final = frozenset({"time", "local", "utc"})


@dataclass(slots=True)
class Row:
    """One leaf. What is typed stands in `shown`."""

    leaf: Leaf
    shown: Shown = field(repr=False)
    base: str
    """What its form says of what was shown when somebody began to type."""
    default: str | None
    """The default as people read it; `None` if it is a secret's."""
    origin: Origin
    differs: bool
    """Whether the value is another than the default, or is stored."""
    variable: str | None
    """What locks it."""
    problem: str | None
    latest: Stamp | None
    may_write: bool
    errors: Sequence[str] = ()
    typed: Typed | None = None
    sealed: str | None = None
    """A secret that was typed, sealed."""
    change: Change | None = None
    """Who changed it since the form was shown."""
    visible: bool = True

    @property
    def open(self) -> bool:
        """Whether it may be changed here."""
        return self.may_write and self.variable is None

    @property
    def widget(self) -> str:
        """The element: a plain text where a browser would drop what was typed."""
        return self.shown.control.kind if self.shown.control.holds(self.shown.text) else "raw"

    @property
    def attributes(self) -> dict[str, str]:
        """Of the element, so that a browser takes what stands there."""
        if self.widget == "raw":
            return {}
        found = dict(self.shown.control.attributes)
        if self.shown.control.kind in _TIMES and "." in self.shown.text:
            found["step"] = "0.001"
        return found

    @property
    def lines(self) -> int:
        """How high a text area is."""
        return min(12, 1 + self.shown.text.count("\n") + len(self.shown.text) // 72)

    @property
    def flags(self) -> str:
        """The filters that it passes, besides `all`."""
        found = {
            "changed": self.differs,
            "locked": self.variable is not None,
            "secret": self.leaf.secret,
            "problem": self.problem is not None,
        }
        return " ".join(name for name, is_so in found.items() if is_so)

    @property
    def text(self) -> str:
        """Where a search looks, in lower case."""
        leaf = self.leaf
        parts = (leaf.name, leaf.description, leaf.spelling, leaf.constraint, self.shown.text)
        return "\n".join(part for part in parts if part).casefold()


@dataclass(slots=True)
class Section:
    """A group with its rows; those that nobody may see are left out."""

    group: Group
    rows: list[Row]
    sections: list[Section]

    def every(self) -> Iterator[Row]:
        """Its rows, and those of its sections."""
        yield from self.rows
        for section in self.sections:
            yield from section.every()

    @property
    def visible(self) -> bool:
        """Whether any of its rows is shown."""
        return any(row.visible for row in self.every())


def sections_of(
    group: Group, attempt: Attempt, reader: Reader, writable: frozenset[str]
) -> Section:
    """The rows of a group, and its sections that have any."""
    errors = attempt.errors()
    rows = [
        _row(leaf, attempt, reader, errors.get(leaf.name, ()), leaf.path.field in writable)
        for leaf in group.leaves
        if leaf.path.field in attempt.entries
    ]
    inner = [sections_of(one, attempt, reader, writable) for one in group.groups]
    return Section(group, rows, [section for section in inner if any(section.every())])


def _row(
    leaf: Leaf,
    attempt: Attempt,
    reader: Reader,
    errors: Sequence[str],
    may_write: bool,  # noqa: FBT001 - as it stands in a row
) -> Row:
    entry, keys = attempt.entries[leaf.path.field], leaf.path.keys
    value, default = at(entry.value, keys), at(entry.default, keys)
    shown = leaf.shown(value)
    differs = exactly(value) != exactly(default)
    origin = _origin(entry, leaf, differs=differs)
    row = Row(
        leaf=leaf,
        shown=shown,
        base=base_of(leaf, shown, attempt.revision),
        default=None if leaf.secret else _brief(leaf, default),
        origin=origin,
        differs=differs or origin == "stored" or (entry.stored and not keys),
        variable=entry.variable,
        problem=entry.problem,
        latest=entry.latest,
        may_write=may_write,
        errors=errors,
        change=attempt.since.leaves.get(leaf.name),
    )
    typed = attempt.typed.get(leaf.name)
    if typed is not None and row.open:
        _type(row, typed, reader, leaf.shown(default))
    return row


def _type(row: Row, typed: Typed, reader: Reader, default: Shown) -> None:
    """Put what was typed in its control. Of a secret only that it was."""
    row.typed, row.base = typed, typed.was or "?"
    if typed.reset:
        row.shown = default
    elif row.leaf.secret:
        row.sealed = reader.sealed(typed) if typed.shown.text else None
        row.shown = Shown(typed.shown.control, "", typed.shown.none)
    else:
        row.shown = typed.shown


def _origin(entry: Entry, leaf: Leaf, *, differs: bool) -> Origin:
    """Where the value comes from; of a part only what differs counts as stored."""
    if entry.origin == "stored" and leaf.path.keys and not differs and not leaf.secret:
        return "default"
    return entry.origin


def _brief(leaf: Leaf, default: object) -> str:
    shown = leaf.shown(default)
    if shown.none:
        return "(none)"
    if shown.control.kind == "select":
        return next(o.label for o in shown.control.options if o.value == shown.text)
    text = " ".join(exactly(default).split()) if "\n" in shown.text else shown.text
    text = text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."
    return text or "(empty)"


def matching(section: Section, query: str, show: str) -> int:
    """Let only those rows be shown that a search and a filter ask for; how many there are."""
    words = query.casefold().split()
    count = 0
    for row in section.every():
        fits = show == "all" or show in row.flags.split()
        row.visible = fits and all(word in row.text for word in words)
        count += row.visible
    return count
