from __future__ import annotations

import pytest

from batchproof.validate.heat_map import HeatMap, worst_of

QUIET = HeatMap(("nan",), ((0.0, 0.0), (0.0, 0.0)))
LOUD = HeatMap(("nan",), ((0.0, 0.5, 0.0), (0.25, 0.0, 0.0), (0.0, 0.0, 0.0)))


def test_a_heat_map_sums_itself_up() -> None:
    assert (LOUD.batch, LOUD.worst, LOUD.changed) == (3, 0.5, 2)
    assert (QUIET.batch, QUIET.worst, QUIET.changed) == (2, 0.0, 0)


def test_victims_and_poisoned_slots_are_the_same_slots() -> None:
    with pytest.raises(ValueError, match="2 victims need 2 poisoned slots"):
        HeatMap(("nan",), ((0.0,), (0.0,)))


def test_the_worst_map_is_that_of_the_largest_change_then_of_the_largest_batch() -> None:
    silent = HeatMap(("nan",), ((0.0,) * 5,) * 5)
    assert worst_of([silent, LOUD, QUIET]) is LOUD
    assert worst_of([QUIET, silent]) is silent
    assert worst_of([]) is None
