from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from batchproof.validate.neighbours import (
    NEIGHBOURS,
    REARRANGEMENTS,
    SINGLES_UP_TO,
    Scene,
    every_other,
    poisonings,
    separating,
    singles,
)
from batchproof.zoo.spec import InputSpec

SPEC = InputSpec(height=None, width=None, mean=127.5, std=128.0)


def scene() -> Scene:
    pool = np.random.default_rng(1).uniform(-1, 1, (3, 3, 4, 8)).astype(np.float32)
    return Scene(SPEC, pool, np.array([2, 0, 1, 0, 1]), np.random.default_rng(2))


@pytest.mark.parametrize("size", [1, 2, 3, 5, SINGLES_UP_TO, SINGLES_UP_TO + 1, 16, 31, 32, 33])
def test_every_slot_sees_every_other_one_poisoned(size: int) -> None:
    sets = [set(slots.tolist()) for slots in poisonings(size)]
    seen = {(victim, slot) for slots in sets for slot in slots for victim in range(size) if victim not in slots}
    assert seen == {(victim, slot) for victim in range(size) for slot in range(size) if victim != slot}


def test_large_batches_cost_a_logarithm() -> None:
    assert [len(poisonings(size)) for size in (9, 16, 32, 256, 4096)] == [5, 6, 7, 11, 15]
    assert [len(poisonings(size)) for size in (2, 3, 5)] == [2, 3, 5 + 2]


@pytest.mark.parametrize("size", range(2, 40))
def test_separating_sets_part_any_two_slots_both_ways(size: int) -> None:
    sets = [set(slots.tolist()) for slots in separating(size)]
    for first, second in permutations(range(size), 2):
        assert any(first in slots and second not in slots for slots in sets)


@pytest.mark.parametrize("size", range(SINGLES_UP_TO + 1, 70))
def test_no_slot_of_a_large_batch_is_poisoned_alone(size: int) -> None:
    """A heat map holds what single slots did, and would be drawn from less than all of them."""
    assert min(len(slots) for slots in poisonings(size)) > 1


def test_single_slots_and_halves() -> None:
    assert [slots.tolist() for slots in singles(3)] == [[0], [1], [2]]
    assert singles(1) == []
    assert every_other(5, 1).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("name", "origins"), [("rotated", [1, 2, 3, 0]), ("reversed", [3, 2, 1, 0]), ("same picture", [0, 0, 0, 0])]
)
def test_where_pictures_come_from_when_a_batch_is_rearranged(name: str, origins: list[int]) -> None:
    assert REARRANGEMENTS[name](np.arange(4)).tolist() == origins


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_only_the_poisoned_slots_change(neighbour: str) -> None:
    before = scene()
    after = before.poisoned(np.array([1, 3]), neighbour)
    np.testing.assert_array_equal(after[[0, 2, 4]], before.batch[[0, 2, 4]])
    assert not np.array_equal(after[1], before.batch[1])
    assert not np.array_equal(after[3], before.batch[3])


def test_what_the_neighbours_are() -> None:
    found = {name: scene().poisoned(np.array([1, 2]), name)[[1, 2]] for name in NEIGHBOURS}
    assert np.unique(found["black"]).tolist() == [np.float32(-127.5 / 128)]
    assert np.unique(found["white"]).tolist() == [np.float32(127.5 / 128)]
    assert np.abs(found["noise"]).max() <= 1
    assert len(np.unique(found["noise"])) > 100
    assert set(np.unique(found["huge"]).tolist()) == {float(np.float32(-1e30)), float(np.float32(1e30))}
    assert set(np.unique(found["inf"]).tolist()) == {-np.inf, np.inf}
    assert np.isnan(found["nan"]).all()
    np.testing.assert_array_equal(found["copy"], scene().pool[[2, 2]])
    np.testing.assert_array_equal(found["other picture"], scene().pool[[1, 2]])
