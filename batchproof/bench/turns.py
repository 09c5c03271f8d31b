"""Contenders that take turns, so that a slow minute of the machine is slow for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

FEWEST = 3
Name = TypeVar("Name", bound=Hashable)
# What runs in another process returns its own seconds, a float: those of the way there are none of its work.
Repeatable = Callable[[], object]


@dataclass(frozen=True)
class Samples:
    """Seconds of every repetition: on the clock, and of processor time of all threads."""

    clock: tuple[float, ...]
    processor: tuple[float, ...]


def repetitions(seconds: float, budget: float, most: int) -> int:
    """Return how often to repeat what takes `seconds`, so that all of it takes about `budget`: `FEWEST` to `most`."""
    affordable = int(budget / seconds) if seconds > 0 else most
    return min(most, max(FEWEST, affordable))


def take_turns(works: Mapping[Name, Repeatable], counts: Mapping[Name, int], pause: float = 0.0) -> dict[Name, Samples]:
    """Run every work, warmed up before, as often as `counts` says, those with fewer repetitions spread over all rounds.

    Before each run the clock stands still for `pause` seconds: threads of the one before may spin on after their work,
    and must not cost the next one time.
    """
    clock: dict[Name, list[float]] = {name: [] for name in works}
    processor: dict[Name, list[float]] = {name: [] for name in works}
    rounds = max(counts.values(), default=0)
    for turn in range(rounds):
        for name, work in works.items():
            if _is_due(turn, counts[name], rounds):
                time.sleep(pause)
                started, busy = time.perf_counter(), time.process_time()
                own = work()
                clock[name].append(own if isinstance(own, float) else time.perf_counter() - started)
                processor[name].append(time.process_time() - busy)
    return {name: Samples(tuple(clock[name]), tuple(processor[name])) for name in works}


def _is_due(turn: int, count: int, rounds: int) -> bool:
    """Spread `count` runs evenly over the rounds."""
    return (turn + 1) * count // rounds > turn * count // rounds
