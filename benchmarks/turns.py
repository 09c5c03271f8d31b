"""Wall and processor time of contenders that take turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median as middle

# Threads of the one before may spin on after their work; they must not cost the next one time.
_PAUSE = 0.05


@dataclass(frozen=True)
class Cost:
    """Seconds: the shortest and the median time on the clock, and the least processor time of all threads."""

    best: float
    median: float
    cpu: float


def take_turns(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Cost]:
    """Run every work once to warm it up, then `rounds` times in turns."""
    clock: dict[str, list[float]] = {name: [] for name in works}
    processor: dict[str, list[float]] = {name: [] for name in works}
    for counted in [False, *[True] * rounds]:
        for name, work in works.items():
            time.sleep(_PAUSE)
            started, busy = time.perf_counter(), time.process_time()
            work()
            if counted:
                clock[name].append(time.perf_counter() - started)
                processor[name].append(time.process_time() - busy)
    return {name: Cost(min(clock[name]), middle(clock[name]), min(processor[name])) for name in works}
