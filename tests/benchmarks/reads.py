"""What a read costs: `python -m tests.benchmarks.reads`."""

from collections.abc import Callable
from contextvars import ContextVar

from flask import current_app
from werkzeug.local import LocalProxy

from tests.benchmarks.contenders import contenders
from tests.benchmarks.rounds import Rounds, measured, median, ratio, timer
from tests.benchmarks.shop import Apps, Settings, apps, inside, waffle

READS, ROW = 8_000, 50
"""Reads in a round, and how many stand in one turn of the loop where the loop is not to count."""

OTHER_READS = 500

AT_MOST, AT_LEAST = 3.0, 4.0

PLAIN, INSIDE, OUTSIDE, PROXY, CONFIG = (
    "plain attribute of the frozen model",
    "current_settings, in an app context",
    "current_settings, outside of any",
    "werkzeug LocalProxy to the settings",
    'current_app.config["X"]',
)


def ours(made: Apps, in_turn: int) -> dict[str, Callable[[], float]]:
    """Return the ways to read that need nothing but Flask and this library."""
    plain = Settings()
    current: ContextVar[Settings] = ContextVar("current", default=plain)
    names = {
        "plain": plain,
        "current_settings": waffle.current_settings,
        "current_app": current_app,
        "proxied": LocalProxy(current),
    }

    def reads(statement: str) -> Callable[[], float]:
        return timer(statement, names, READS, in_turn=in_turn)

    return {
        PLAIN: reads("plain.site_name"),
        INSIDE: inside(made.bound, reads("current_settings.site_name")),
        OUTSIDE: reads("current_settings.site_name"),
        PROXY: inside(made.bound, reads("proxied.site_name")),
        CONFIG: inside(made.bound, reads('current_app.config["SITE_NAME"]')),
    }


def show_table(title: str, rounds: Rounds) -> None:
    """Print one table of reads."""
    print(f"\n{title}: medians of {len(rounds[PLAIN])} rounds")
    print(f"{'':<46}{'ns per read':>12}{'x plain':>10}{'it / ours':>11}")
    for name in rounds:
        print(
            f"{name:<46}{median(rounds, name):>12.1f}"
            f"{ratio(rounds, name, PLAIN):>10.2f}{ratio(rounds, name, INSIDE):>11.1f}"
        )


def verdict(rounds: Rounds) -> str:
    """Say whether the bounds hold."""
    slower = max(ratio(rounds, name, PLAIN) for name in (INSIDE, OUTSIDE))
    faster = min(ratio(rounds, CONFIG, name) for name in (INSIDE, OUTSIDE))
    holds = slower <= AT_MOST and faster >= AT_LEAST
    return f"{slower:.2f}x and {faster:.1f}x: {'they hold' if holds else 'they do NOT hold'}"


def show(made: Apps) -> None:
    """Print the tables: one read in each turn of a loop, with the others, and reads in a row."""
    with contenders() as others:
        candidates = ours(made, 1) | {
            name: inside(other.app, timer(other.statement, other.names, OTHER_READS))
            if other.app
            else timer(other.statement, other.names, OTHER_READS)
            for name, other in others.items()
        }
        looped = measured(candidates, 15.0)
    in_a_row = measured(ours(made, ROW))
    show_table("One str field, one read in each turn of a loop (as timeit measures)", looped)
    show_table(f"One str field, {ROW} reads in a row (the loop's own cost taken off)", in_a_row)
    print(
        f"\nBounds: at most {AT_MOST:g}x a plain attribute, and at least {AT_LEAST:g}x faster "
        "than current_app.config"
    )
    print(f"  one read in each turn of a loop   {verdict(looped)}")
    print(f"  reads in a row                    {verdict(in_a_row)}")


if __name__ == "__main__":
    with apps() as made:
        show(made)
