"""The tour: each step does something to the shop, shows what the workers say, and checks it."""

import time
from collections.abc import Callable, Sequence

from pydantic import ByteSize, SecretStr

from typed_waffle import InvalidChange
from typed_waffle.demo.fleet import Fleet, Seen
from typed_waffle.demo.interruption import obey
from typed_waffle.demo.servers import Shop
from typed_waffle.demo.settings import Settings, waffle

__all__ = ["CheckFailed", "Tour", "check"]

CONVERGE_WITHIN = 10.0
SETTLE_WITHIN = 15.0
SHOWN = ("site_name", "max_filesize", "maintenance", "min_order")
PASSWORD = "hunter2"  # noqa: S105 - to show that it is never shown


class CheckFailed(Exception):  # noqa: N818 - it says what went wrong
    """Something was not as it must be."""


def check(holds: bool, what: str) -> None:  # noqa: FBT001 - the claim is what it is about
    """Say that a claim holds.

    Raises:
        CheckFailed: It does not.
    """
    if not holds:
        raise CheckFailed(what)
    say(f"ok: {what}")


def say(text: str = "") -> None:
    """Print at once: the reader is watching."""
    print(f"   {text}" if text else "", flush=True)


class Tour:
    """The steps, in order."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._fleet = Fleet(shop.web.port)

    def run(self) -> None:
        """Take every step.

        Raises:
            CheckFailed: Something was not as it must be.
        """
        start = time.monotonic()
        steps: Sequence[tuple[str, Callable[[], None]]] = (
            ("Four workers, one revision", self._begin),
            ("One edit changes three settings", self._edit),
            ("A worker makes a change itself", self._post),
            ("An invalid change is refused", self._invalid),
            ("A change that breaks a rule across fields is refused", self._crossed),
            ("Redis is killed: the workers catch up by polling", self._without_redis),
            ("Redis is back: changes are pushed again", self._with_redis_again),
            ("The history tells who changed what, and no secret", self._history),
        )
        with waffle.connect(self._shop.config):
            for number, (title, step) in enumerate(steps, 1):
                obey()
                print(f"\n{number}. {title}", flush=True)
                step()
        print(f"\nAll {len(steps)} steps passed in {time.monotonic() - start:.1f} s.", flush=True)

    def _begin(self) -> None:
        self._states("live", 0)

    def _edit(self) -> None:
        with waffle.edit(actor="tour", note="the summer shop") as edit:
            edit.update(site_name="Waffles & Co", max_filesize=ByteSize(2_000_000), min_order=10)
        check(edit.change is not None and edit.change.revision == 1, "the edit made revision 1")
        self._converge(1, site_name="Waffles & Co", max_filesize=2_000_000, min_order=10)

    def _post(self) -> None:
        answer = self._fleet.post("/maintenance", on="yes")
        say(f"POST /maintenance was answered by worker {answer.pid}")
        check(answer.settings["maintenance"] is True, "it sees its own change in that request")
        self._converge(2, maintenance=True)

    def _invalid(self) -> None:
        self._refused({"max_filesize": "huge"}, ("max_filesize",))

    def _crossed(self) -> None:
        self._refused({"min_order": 900}, ())

    def _without_redis(self) -> None:
        self._shop.redis.kill()
        say("killed redis-server")
        self._states("degraded", 2)
        waffle.update(maintenance=False, smtp_password=SecretStr(PASSWORD))
        self._converge(3, maintenance=False)

    def _with_redis_again(self) -> None:
        self._shop.redis.start()
        say("started redis-server again; the workers look for it every few seconds")
        self._states("live", 3)
        waffle.reset("site_name", "max_filesize")
        self._converge(4, site_name="Waffle", max_filesize=1_000)

    def _history(self) -> None:
        changes = waffle.history()
        for change in changes:
            fields = ", ".join(f"{f.field}: {f.before!r} -> {f.after!r}" for f in change.fields)
            say(f"{change.revision}  {change.actor or '-':<13} {fields}")
        check(len(changes) == 4, "four changes were made")  # noqa: PLR2004 - above
        check(PASSWORD not in repr(changes), "the password is not among them")
        stored = waffle.current_settings
        check(stored.smtp_password.get_secret_value() == PASSWORD, "and yet the shop has it")
        files = [path.read_bytes() for path in self._shop.folder.glob("waffle.db*")]
        check(
            bool(files) and not any(PASSWORD.encode() in content for content in files),
            "in the database it is encrypted",
        )
        check(stored.max_filesize == ByteSize(1_000), "what was reset is at its default")

    def _states(self, state: str, revision: int) -> None:
        found = self._fleet.until(
            lambda seen: seen.state == state and seen.revision == revision, SETTLE_WITHIN
        )
        if found is not None:
            show(found[0])
        took = f" (after {found[1]:.1f} s)" if found else ""
        check(found is not None, f"four workers, each {state} at revision {revision}{took}")

    def _converge(self, revision: int, **expected: object) -> None:
        found = self._fleet.until(lambda seen: seen.revision >= revision, CONVERGE_WITHIN)
        if found is None:
            raise CheckFailed(
                f"revision {revision} is not in every worker after {CONVERGE_WITHIN:.0f} s"
            )
        seen, took = found
        show(seen)
        check(
            all(s.settings[name] == value for s in seen for name, value in expected.items()),
            f"all four workers show revision {revision}, {took * 1000:.0f} ms after the change",
        )

    def _refused(self, fields: dict[str, object], at_fault: tuple[str, ...]) -> None:
        before = waffle.snapshot().revision
        try:
            waffle.update(**fields)
        except InvalidChange as refusal:
            say(f"refused: {refusal}")
            named = ", ".join(at_fault) or "the rule"
            check(refusal.fields == at_fault, f"the refusal names {named}")
        else:
            raise CheckFailed(f"{fields} was accepted")
        waffle.refresh()
        check(waffle.snapshot().revision == before, f"the store is still at revision {before}")


def show(fleet: Sequence[Seen]) -> None:
    """Print the workers as a table."""
    names = [name for name in Settings.model_fields if name in SHOWN]
    rows = [["pid", "revision", "state", *names]]
    rows += [
        [str(s.pid), str(s.revision), s.state, *(str(s.settings[name]) for name in names)]
        for s in fleet
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
