"""Timing on machines that are noisy and shared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Work = Callable[[], object]


def best_seconds(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Return the shortest of `rounds` times of each work.

    The works take turns, so that a slow minute of the machine is slow for all; the shortest time has least noise in it.
    """
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - started)
    return best
