"""What an app context costs: `python -m tests.benchmarks.contexts`."""

from tests.benchmarks.rounds import measured, median, timer
from tests.benchmarks.shop import Apps, apps, waffle

PUSHES = 300
AT_MOST = 2.0
"""Microseconds for the pin of a request, first read included."""

BARE, SIGNALS, BOUND, READ = (
    "without typed-waffle",
    "with two signals connected that do nothing",
    "with typed-waffle",
    "with typed-waffle and one read",
)


def show(made: Apps) -> None:
    """Print the table."""
    names = {"current_settings": waffle.current_settings}
    empty = "with app.app_context(): pass"
    read = "with app.app_context(): current_settings.site_name"
    rounds = measured(
        {
            BARE: timer(empty, {"app": made.bare}, PUSHES),
            SIGNALS: timer(empty, {"app": made.signals}, PUSHES),
            BOUND: timer(empty, {"app": made.bound}, PUSHES),
            READ: timer(read, names | {"app": made.bound}, PUSHES),
        }
    )
    print(f"\nAn app context, pushed and popped: medians of {len(rounds[BARE])} rounds")
    for name in rounds:
        print(f"{name:<46}{median(rounds, name) / 1e3:>8.2f} us")
    idle = (median(rounds, BOUND) - median(rounds, SIGNALS)) / 1e3
    pinned = (median(rounds, READ) - median(rounds, SIGNALS)) / 1e3
    holds = "holds" if pinned <= AT_MOST else "does NOT hold"
    print(f"Beyond the signals: {idle:.2f} us without a read, {pinned:.2f} us with one")
    print(f"Bound: at most {AT_MOST:g} us for a pin: it {holds}")


if __name__ == "__main__":
    with apps() as made:
        show(made)
