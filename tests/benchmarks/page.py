"""How long the settings page takes for a model of 1,000 fields: `python -m tests.benchmarks.page`.

It prints the time that the server takes, the database included, without a network. The first call
of each row is apart: a process begins its worker with the first request that it answers.
"""

from __future__ import annotations

import logging
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, create_model

from tests.support.office import Browser, Office
from typed_waffle import WaffleModel
from typed_waffle.model import completed

FIELDS = 1000
GROUP = 20
ROUNDS = 15

KINDS: tuple[tuple[Any, object], ...] = (
    (Annotated[int, Field(ge=0, le=1000)], 7),
    (bool, True),
    (str, "a text of some length, as there are many"),
    (Annotated[str, Field(max_length=80)], "short"),
    (Literal["red", "green", "blue"], "red"),
    (Annotated[Decimal, Field(ge=0, decimal_places=2)], Decimal("2.50")),
    (timedelta, timedelta(seconds=90)),
    (tuple[str, ...], ("one", "two")),
    (Mapping[str, int], {"a": 1}),
    (SecretStr, SecretStr("")),
)
"""Types and defaults, one after the other."""


def large() -> type[WaffleModel]:
    """A model of 1,000 leaves, in groups."""
    kinds = [KINDS[at % len(KINDS)] for at in range(FIELDS)]
    groups: dict[str, Any] = {}
    for start in range(0, FIELDS, GROUP):
        fields: dict[str, Any] = {
            f"setting_{start + at}": (
                Annotated[kind, Field(description=f"What setting {start + at} is for.")],
                default,
            )
            for at, (kind, default) in enumerate(kinds[start : start + GROUP])
        }
        name = f"Group{start // GROUP}"
        made = completed(create_model(name, __base__=WaffleModel, **fields))
        groups[f"group_{start // GROUP}"] = (made, made())
    half: dict[str, Any] = {}
    for at, (kind, default) in enumerate(kinds[: FIELDS // 2]):
        half[f"top_{at}"] = (kind, default)
    kept = dict(list(groups.items())[: len(groups) // 2])
    return completed(create_model("Large", __base__=WaffleModel, **half, **kept))


def timed(what: str, call: Callable[[], object]) -> None:
    """Print how long a call takes: the first time, and then the median and the worst."""
    took: list[float] = []
    for _ in range(ROUNDS + 1):
        before = time.perf_counter()
        call()
        took.append((time.perf_counter() - before) * 1000)
    first, *rest = took
    print(f"{what:<36} {first:>8.0f} {statistics.median(rest):>8.0f} {max(rest):>8.0f}")


def main() -> None:
    """Measure and print."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder), large())
        browser = office.browser()
        print(f"{platform.python_implementation()} {platform.python_version()}, ms of server time")
        print(f"{'1,000 fields':<36} {'first':>8} {'median':>8} {'worst':>8}")
        raw = _raw(browser)
        timed("another address (/healthz)", lambda: raw("/healthz"))
        timed("the page", lambda: raw("/"))
        timed("the page, searched for one field", lambda: raw("/?q=top_77"))
        browser.get("/")
        office.close()


def _raw(browser: Browser) -> Callable[[str], object]:
    """Look at a page without reading it."""
    client, headers = browser._client, browser._headers

    def get(path: str) -> object:
        response = client.get(f"/settings{path}", headers=headers)
        assert response.status_code == 200
        return response

    return get


if __name__ == "__main__":
    main()
