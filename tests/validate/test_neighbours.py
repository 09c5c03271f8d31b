from __future__ import annotations

import numpy as np
import pytest

from batchproof.validate.neighbours import NEIGHBOURS, SINGLES_UP_TO, Scene, poisonings
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
    assert len(poisonings(32)) == 10
    assert len(poisonings(5)) == 10


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
