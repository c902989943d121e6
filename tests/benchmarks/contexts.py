"""What an app context costs: `python -m tests.benchmarks.contexts`."""

from tests.benchmarks.rounds import measured, median, timer
from tests.benchmarks.shop import Apps, apps, waffle
from typed_waffle.binder import EXTENSION

PUSHES = 300
AT_MOST = 2.0
"""Microseconds for the pin of a request: made, read for the first time, and taken away."""

BARE, SIGNALS, BOUND, READ, PIN = (
    "without typed-waffle",
    "with two signals connected that do nothing",
    "with typed-waffle",
    "with typed-waffle and one read",
    "of that the pin, its first read included",
)


def show(made: Apps) -> None:
    """Print the table."""
    names = {"current_settings": waffle.current_settings}
    binding = made.bound.extensions[EXTENSION][waffle.namespace]
    pins = binding.pins
    pin = {"enter": pins.enter, "leave": pins.leave, "source": binding.snapshot} | names
    pin["context"] = object()
    empty = "with app.app_context(): pass"
    read = "with app.app_context(): current_settings.site_name"
    rounds = measured(
        {
            BARE: timer(empty, {"app": made.bare}, PUSHES),
            SIGNALS: timer(empty, {"app": made.signals}, PUSHES),
            BOUND: timer(empty, {"app": made.bound}, PUSHES),
            READ: timer(read, names | {"app": made.bound}, PUSHES),
            PIN: timer("enter(source, context); current_settings.site_name; leave()", pin, PUSHES),
        }
    )
    print(f"\nAn app context, pushed and popped: medians of {len(rounds[BARE])} rounds")
    for name in rounds:
        print(f"{name:<46}{median(rounds, name) / 1e3:>8.2f} us")
    beyond = (median(rounds, BOUND) - median(rounds, SIGNALS)) / 1e3
    took = median(rounds, PIN) / 1e3
    holds = "it holds" if took <= AT_MOST else "it does NOT hold"
    print(f"Without a read, {beyond:.2f} us beyond what the signals cost by themselves")
    print(f"Bound: at most {AT_MOST:g} us for the pin, first read included: {holds}")


if __name__ == "__main__":
    with apps() as made:
        show(made)
