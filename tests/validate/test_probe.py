from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import pytest
from onnx import NodeProto

from batchproof.errors import InputError
from batchproof.policy import ProbeLimits
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.validate.findings import ProbeResult, verdicts
from batchproof.validate.neighbours import NEIGHBOURS
from batchproof.validate.probe import ProbeSettings, probe
from batchproof.verdict import Status
from batchproof.zoo.spec import InputSpec
from tests.validate import tiny_batches

SPEC = InputSpec(height=None, width=None, mean=127.5, std=128.0)
LIMITS = ProbeLimits(contamination=0.0, non_invariance=1e-6)
POOL: Blob = np.random.default_rng(5).uniform(-1, 1, (4, 3, 6, 10)).astype(np.float32)

Tail = Callable[[], Sequence[NodeProto]]


def probed(tail: Tail, *, optimised: bool = True, sizes: tuple[int, ...] = (1, 2, 3, 5)) -> ProbeResult:
    runner = OnnxRuntimeRunner(tiny_batches.build(tail), optimised=optimised)
    return probe(runner, SPEC, POOL, ProbeSettings(sizes))


def statuses(result: ProbeResult) -> dict[str, Status]:
    return {verdict.check: verdict.status for verdict in verdicts(result, "model", LIMITS)}


@pytest.mark.parametrize("optimised", [True, False])
def test_a_model_that_keeps_pictures_apart_passes(optimised: bool) -> None:
    result = probed(tiny_batches.clean, optimised=optimised)
    assert set(statuses(result).values()) == {Status.PASS}
    assert (result.height, result.width, result.batch_sizes) == (6, 10, (1, 2, 3, 5))
    assert result.contamination.largest == {"embedding": (0.0,) * 5}
    assert [found.worst for found in (result.contamination, result.permutation, result.non_invariance)] == [None] * 3
    assert result.heat_map is not None
    assert (result.heat_map.batch, result.heat_map.changed) == (5, 0)


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize(
    "tail",
    [
        tiny_batches.softmax_over_batch,
        tiny_batches.mean_over_batch,
        tiny_batches.flip_over_batch,
        tiny_batches.frozen_first_row,
        tiny_batches.nan_leakage,
        tiny_batches.last_slot_only,
    ],
)
def test_contamination_is_found(tail: Tail, optimised: bool) -> None:
    result = probed(tail, optimised=optimised)
    assert statuses(result)["probe.rows"] is Status.PASS
    assert statuses(result)["probe.contamination"] is Status.FAIL
    witness = result.contamination.worst
    assert witness is not None
    assert witness.slot not in witness.poisoned
    assert witness.amount == result.contamination.largest["embedding"][witness.slot]


def test_poison_that_only_shows_when_not_finite_is_infinite_and_nothing_else() -> None:
    result = probed(tiny_batches.nan_leakage)
    assert result.contamination.worst is not None
    assert result.contamination.worst.amount == np.inf
    assert result.contamination.worst.neighbour in ("nan", "inf")
    assert statuses(result)["probe.non_invariance"] is Status.PASS


def test_the_witness_says_who_was_changed_by_whom() -> None:
    result = probed(tiny_batches.last_slot_only, sizes=(3,))
    assert result.contamination.worst is not None
    assert result.contamination.worst.slot == 2
    assert 0 in result.contamination.worst.poisoned
    (contamination,) = (v for v in verdicts(result, "model", LIMITS) if v.check == "probe.contamination")
    assert contamination.witness is not None
    assert contamination.witness.startswith("output 'embedding', batch of 3, slot 2, ")


def test_batch_size_is_told_apart_from_neighbours() -> None:
    result = probed(tiny_batches.rounding_by_size)
    assert statuses(result)["probe.contamination"] is Status.PASS
    assert statuses(result)["probe.non_invariance"] is Status.FAIL
    assert result.non_invariance.worst is not None
    assert result.non_invariance.worst.batch == 5
    assert result.non_invariance.amount == pytest.approx(4e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("tail", "sentence"),
    [
        (tiny_batches.flattened, r"output 'embedding' is [1, 6] for a batch of 2, expected [2, 3]"),
        (tiny_batches.not_finite, "output 'embedding' is NaN or infinite for ordinary pictures, batch of 1"),
    ],
)
def test_a_model_without_one_finite_row_a_picture_fails_with_its_shape(tail: Tail, sentence: str) -> None:
    result = probed(tail)
    rows, *others = verdicts(result, "model", LIMITS)
    assert rows.status is Status.FAIL
    assert sentence in rows.reason
    assert {verdict.status for verdict in others} == {Status.NOT_RUN}


def test_a_model_that_refuses_two_pictures_fails_with_the_runtime_s_sentence() -> None:
    runner = OnnxRuntimeRunner(tiny_batches.build(tiny_batches.clean, batch=1))
    rows, *_ = verdicts(probe(runner, SPEC, POOL, ProbeSettings()), "model", LIMITS)
    assert rows.status is Status.FAIL
    assert "cannot run a batch of shape [2, 3, 6, 10]" in rows.reason


class Leak:
    """Adds one to row `victim` when slot `poisoned` of a batch of `size` is not an ordinary picture."""

    name = "leak"

    def __init__(self, size: int, victim: int, poisoned: int) -> None:
        self.size, self.victim, self.poisoned = size, victim, poisoned

    def infer(self, images: Blob) -> Outputs:
        rows = np.zeros((len(images), 1), np.float32)
        if len(images) == self.size and np.isnan(images[self.poisoned]).any():
            rows[self.victim] += 1
        return {"embedding": rows}


@pytest.mark.parametrize("size", [2, 5, 11])
def test_no_pair_of_slots_is_left_out(size: int) -> None:
    for victim, poisoned in permutations(range(size), 2):
        witness = probe(Leak(size, victim, poisoned), SPEC, POOL, ProbeSettings((size,))).contamination.worst
        assert witness is not None
        assert (witness.slot, witness.neighbour, witness.amount) == (victim, "nan", 1.0)
        assert poisoned in witness.poisoned


def test_the_heat_map_names_the_one_pair_that_leaks() -> None:
    found = probe(Leak(5, victim=3, poisoned=1), SPEC, POOL, ProbeSettings()).heat_map
    assert found is not None
    assert found.neighbours == tuple(NEIGHBOURS)
    expected = np.zeros((5, 5))
    expected[3, 1] = 1
    np.testing.assert_array_equal(found.changes, expected)


def test_the_heat_map_is_of_the_batch_that_leaks_most() -> None:
    found = probe(Leak(3, victim=0, poisoned=2), SPEC, POOL, ProbeSettings()).heat_map
    assert found is not None
    assert (found.batch, found.changed) == (3, 1)


class Slots:
    """Adds a little to the row of slot 1, whatever is in it."""

    name = "slots"

    def infer(self, images: Blob) -> Outputs:
        rows = np.clip(images[:, :, 0, 0], -2, 2)
        rows[1:2] += np.float32(1e-5)
        return {"embedding": rows}


@pytest.mark.parametrize("how", ["rotated", "reversed", "same picture"])
def test_a_row_must_follow_its_picture_to_another_slot(how: str) -> None:
    result = probe(Slots(), SPEC, POOL, ProbeSettings((2,), rearrangements=(how,)))
    found = {verdict.check: verdict for verdict in verdicts(result, "model", LIMITS)}
    assert found["probe.contamination"].status is Status.PASS
    assert found["probe.permutation"].status is Status.FAIL
    assert found["probe.permutation"].figure == pytest.approx(1e-5, rel=0.1)
    assert str(found["probe.permutation"].witness).endswith(f", {how}")


class Crowd:
    """Adds one to the first row when the whole batch is one picture."""

    name = "crowd"

    def infer(self, images: Blob) -> Outputs:
        alike = len(images) > 2 and bool((images == images[0]).all())
        return {"embedding": np.eye(len(images), 1, dtype=np.float32) * alike}


def test_the_same_picture_in_all_slots_is_a_neighbour_too() -> None:
    witness = probe(Crowd(), SPEC, POOL, ProbeSettings((5,))).contamination.worst
    assert witness is not None
    assert (witness.slot, witness.neighbour, witness.amount) == (0, "same picture", 1.0)


def test_where_no_picture_moved_nothing_is_said_about_it() -> None:
    result = probe(Slots(), SPEC, POOL, ProbeSettings((2,), rearrangements=()))
    assert "probe.permutation" not in {verdict.check for verdict in verdicts(result, "model", LIMITS)}


class Eavesdropper:
    """Remembers every batch."""

    name = "eavesdropper"

    def __init__(self) -> None:
        self.batches: list[Blob] = []

    def infer(self, images: Blob) -> Outputs:
        self.batches.append(images.copy())
        return {"embedding": np.zeros((len(images), 1), np.float32)}


@pytest.mark.parametrize("pictures", [2, 4, len(NEIGHBOURS) + 3])
def test_every_picture_is_a_victim_in_every_slot(pictures: int) -> None:
    pool = np.arange(pictures, dtype=np.float32)[:, None, None, None] * np.ones((1, 3, 4, 4), np.float32)
    runner = Eavesdropper()
    probe(runner, SPEC, pool, ProbeSettings((3,)))
    seen = {(slot, float(batch[slot, 0, 0, 0])) for batch in runner.batches if len(batch) == 3 for slot in range(3)}
    assert {(slot, float(index)) for slot in range(3) for index in range(pictures)} <= seen


def test_the_same_seed_gives_the_same_batches() -> None:
    first, second, other = Eavesdropper(), Eavesdropper(), Eavesdropper()
    for runner, seed in ((first, 1), (second, 1), (other, 2)):
        probe(runner, SPEC, POOL, ProbeSettings((2,), seed=seed))
    np.testing.assert_array_equal(np.concatenate(first.batches), np.concatenate(second.batches))
    assert not np.array_equal(np.concatenate(first.batches), np.concatenate(other.batches), equal_nan=True)


def test_equal_pictures_prove_nothing() -> None:
    with pytest.raises(InputError, match="at least two different pictures"):
        probe(Eavesdropper(), SPEC, np.repeat(POOL[:1], 3, axis=0), ProbeSettings())


@pytest.mark.parametrize("sizes", [(), (0, 2)])
def test_impossible_batch_sizes_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="unusable"):
        probe(Eavesdropper(), SPEC, POOL, ProbeSettings(sizes))


def test_a_model_that_refuses_even_one_picture_is_broken() -> None:
    runner = OnnxRuntimeRunner(tiny_batches.build(tiny_batches.clean))
    assert "cannot run a batch" in str(probe(runner, SPEC, POOL[:, :2], ProbeSettings()).broken)


def test_only_the_neighbours_that_were_asked_for_are_tried() -> None:
    runner = OnnxRuntimeRunner(tiny_batches.build(tiny_batches.mean_over_batch))
    result = probe(runner, SPEC, POOL, ProbeSettings((4,), ("black",)))
    assert result.contamination.worst is not None
    assert result.contamination.worst.neighbour == "black"
