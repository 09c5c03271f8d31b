from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproof.surgery.fp16.minimal_set import Items, OutOfRunsError, smallest_passing

ITEMS = tuple(f"node{index}" for index in range(150))


class Counted:
    """A test that remembers the sets it was asked about, and gives up behind `allowed` of them."""

    def __init__(self, passes: Callable[[set[str]], bool], allowed: int = 1000) -> None:
        self.seen: set[Items] = set()
        self._passes, self._allowed = passes, allowed

    def __call__(self, items: Items) -> bool:
        if items not in self.seen and len(self.seen) == self._allowed:
            raise OutOfRunsError
        self.seen.add(items)
        return self._passes(set(items))


@given(st.integers(0, 40).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, max(size - 1, 0))))))
def test_exactly_what_is_needed_is_found_in_its_order(case: tuple[int, set[int]]) -> None:
    size, chosen = case
    needed = [item for index, item in enumerate(ITEMS[:size]) if index in chosen]
    found = smallest_passing(ITEMS[:size], Counted(lambda items: items >= set(needed)))
    assert found.minimal
    assert list(found.items) == needed


@pytest.mark.parametrize(("needed", "runs"), [((3, 4, 5), 14), ((3, 4, 5, 100, 101, 102), 50), ((140, 141), 15)])
def test_few_runs_find_one_or_two_islands_among_many_nodes(needed: tuple[int, ...], runs: int) -> None:
    wanted = {ITEMS[index] for index in needed}
    test = Counted(lambda items: items >= wanted)
    assert set(smallest_passing(ITEMS, test).items) == wanted
    assert len(test.seen) <= runs


def test_no_item_can_be_left_out_even_where_more_is_not_better() -> None:
    def passes(items: set[str]) -> bool:
        return len(items & set(ITEMS[:9])) >= 4 and len(items) % 5 != 2

    found = smallest_passing(ITEMS, passes=lambda items: passes(set(items)))
    assert found.minimal
    assert passes(set(found.items))
    assert not any(passes(set(found.items) - {item}) for item in found.items)


@pytest.mark.parametrize("allowed", [0, 1, 5, 12])
def test_out_of_runs_means_the_best_set_that_has_passed(allowed: int) -> None:
    wanted = {ITEMS[3], ITEMS[100]}
    test = Counted(lambda items: items >= wanted, allowed)
    found = smallest_passing(ITEMS, test)
    assert not found.minimal
    assert found.items == ITEMS or found.items in test.seen
    assert set(found.items) >= wanted
