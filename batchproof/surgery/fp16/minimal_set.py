"""The search for a smallest set of items that passes a test: bisection first, delta debugging (Zeller, 2002) then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Items = tuple[str, ...]


@dataclass(frozen=True)
class Smallest:
    """A set that passes, in the order of the items; `minimal` when no single item can be left out any more."""

    items: Items
    minimal: bool


class OutOfRunsError(Exception):
    """Raised by the test itself when it may not be run again; the search then ends with the best set so far."""


def smallest_passing(items: Sequence[str], passes: Callable[[Items], bool]) -> Smallest:
    """Return a small subset of `items` for which `passes` holds; it is expected to hold for all of them.

    Two bisections cut off what is not needed before the first and behind the last item that is; delta debugging then
    takes parts out of what lies between, ever smaller ones, until no single item can go. Every set that is returned
    has passed, be the test monotonous or not; asking twice for one set must be cheap.
    """
    search = _Search(tuple(items), passes)
    try:
        search.bisect(lambda items, size: items[:size])
        search.bisect(lambda items, size: items[len(items) - size :])
        search.take_parts_out()
    except OutOfRunsError:
        return Smallest(search.best, minimal=False)
    return Smallest(search.best, minimal=True)


class _Search:
    """`best` is the smallest set that has passed, the whole one at first."""

    def __init__(self, items: Items, passes: Callable[[Items], bool]) -> None:
        self.best = items
        self._passes = passes

    def bisect(self, shortened: Callable[[Items, int], Items]) -> None:
        """Find the smallest size to which the items can be shortened; none at all is tried too."""
        items, failing = self.best, -1
        while len(self.best) - failing > 1:
            size = (failing + len(self.best)) // 2
            if not self._accept(shortened(items, size)):
                failing = size

    def take_parts_out(self) -> None:
        parts = 2
        while self.best:
            parts = min(parts, len(self.best))
            if self._take_one_part_out(parts):
                parts = max(parts - 1, 2)
            elif parts == len(self.best):
                return
            else:
                parts *= 2

    def _take_one_part_out(self, parts: int) -> bool:
        bounds = [len(self.best) * index // parts for index in range(parts + 1)]
        items = self.best
        return any(self._accept(items[:start] + items[end:]) for start, end in pairwise(bounds))

    def _accept(self, items: Items) -> bool:
        if not self._passes(items):
            return False
        self.best = items
        return True
