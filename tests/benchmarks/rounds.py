"""Rounds: every candidate is measured in each, in a new order, so that all suffer alike.

Ratios are taken within a round; what is printed is the median over the rounds.
"""

import random
import statistics
import time
import timeit
from collections.abc import Callable, Mapping

__all__ = ["Rounds", "measured", "median", "ratio", "timer"]

ROUNDS = 400
"""The most rounds; on a slow machine there are fewer."""
TIME_LIMIT = 5.0
"""Seconds for each table."""

Rounds = dict[str, list[float]]
"""What one run took in each round, in nanoseconds, by candidate."""


def timer(
    statement: str, names: Mapping[str, object], runs: int, *, in_turn: int = 1
) -> Callable[[], float]:
    """Return a function that runs a statement many times and says what one took, in nanoseconds.

    With `in_turn`, the timed loop holds so many of it that the loop itself is free.
    """
    loop = timeit.Timer("\n".join([statement] * in_turn), globals=dict(names))
    turns = max(1, runs // in_turn)
    return lambda: loop.timeit(turns) / (turns * in_turn) * 1e9


def measured(candidates: Mapping[str, Callable[[], float]], limit: float = TIME_LIMIT) -> Rounds:
    """Measure all candidates in every round."""
    found: Rounds = {name: [] for name in candidates}
    for measure in candidates.values():
        measure()  # warm up: the interpreter specialises what it has seen run
    names = list(candidates)
    end = time.monotonic() + limit
    for _ in range(ROUNDS):
        random.shuffle(names)
        for name in names:
            found[name].append(candidates[name]())
        if time.monotonic() > end:
            break
    return found


def median(rounds: Rounds, name: str) -> float:
    """Return what one run took, in nanoseconds."""
    return statistics.median(rounds[name])


def ratio(rounds: Rounds, name: str, to: str) -> float:
    """Return how many times as long one takes as the other."""
    pairs = zip(rounds[name], rounds[to], strict=True)
    return statistics.median(one / other for one, other in pairs)
