from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from batchproof.pipeline.picture import Pixels
from batchproof.profile import Profile
from batchproof.runtime import Blob, Outputs
from batchproof.validate.isolation import probe_model
from batchproof.zoo.families import arcface, scrfd

PICTURES: list[Pixels] = [
    np.random.default_rng(seed).integers(0, 256, (90, 70, 3), dtype=np.uint8) for seed in range(4)
]
DETECTOR, EMBEDDER = scrfd(), arcface(embedding=8)
SMALL_FACES = replace(EMBEDDER, input=replace(EMBEDDER.input, height=8, width=8))


class Counting:
    """Gives every picture its first pixel, and counts the shapes of what it runs."""

    name = "counting"

    def __init__(self) -> None:
        self.shapes: Counter[tuple[int, ...]] = Counter()

    def infer(self, images: Blob) -> Outputs:
        self.shapes[images.shape] += 1
        return {"embedding": images[:, :, 0, 0].copy()}

    @property
    def batches(self) -> set[int]:
        return {shape[0] for shape in self.shapes}


class LateLeak(Counting):
    """From six pictures on, the second one is in the answer of the last."""

    def infer(self, images: Blob) -> Outputs:
        outputs = super().infer(images)
        if len(images) >= 6:
            outputs["embedding"][-1] += outputs["embedding"][1]
        return outputs


@pytest.mark.parametrize("maximum", [1, 4, 7, 32])
def test_every_batch_of_the_profile_runs(maximum: int) -> None:
    runner = Counting()
    probe_model(runner, "session", SMALL_FACES, PICTURES, Profile(1, min(3, maximum), maximum))
    assert runner.batches == {*range(1, maximum + 1), 1, 2, 3, 5}


def test_a_profile_of_one_batch_needs_no_others() -> None:
    runner = Counting()
    probe_model(runner, "session", SMALL_FACES, PICTURES, Profile(8, 8, 8))
    assert runner.batches == {1, 2, 3, 5, 8}


def test_beyond_32_only_batches_around_powers_of_two_run() -> None:
    runner = Counting()
    probe_model(runner, "session", SMALL_FACES, PICTURES, Profile(1, 16, 200))
    assert {batch for batch in runner.batches if batch > 32} == {33, 63, 64, 65, 127, 128, 129, 199, 200}


def test_detectors_run_at_the_size_that_is_deployed_and_never_only_in_squares() -> None:
    runner = Counting()
    results = probe_model(runner, "session", DETECTOR, PICTURES, Profile(1, 2, 4, 128, 128))
    assert {shape[2:] for shape in runner.shapes} == {(96, 160), (64, 96), (128, 128), (128, 96)}
    assert [result.scene for result in results] == [
        "session.96x160.batch_5",
        "session.64x96.batch_4",
        "session.128x128.batch_2",
        "session.128x96.batch_2",
    ]


def test_a_size_that_is_not_square_is_not_tried_narrower() -> None:
    results = probe_model(Counting(), "session", DETECTOR, PICTURES, Profile(1, 2, 2, 64, 128))
    assert [(result.height, result.width) for result in results] == [(96, 160), (64, 128)]


def test_the_smallest_square_has_no_narrower_size() -> None:
    results = probe_model(Counting(), "session", DETECTOR, PICTURES, Profile(1, 2, 2, 32, 32))
    assert [(result.height, result.width) for result in results] == [(96, 160), (32, 32)]


@pytest.mark.parametrize(("maximum", "batch"), [(6, 6), (16, 16)])
def test_what_only_large_batches_show_is_looked_at_slot_by_slot(maximum: int, batch: int) -> None:
    results = probe_model(LateLeak(), "session", SMALL_FACES, PICTURES, Profile(1, maximum, maximum))
    found = {result.scene: result for result in results}
    assert found["session.8x8.batch_5"].contamination.amount == 0
    drawn = found[f"session.8x8.batch_{batch}"].heat_map
    assert drawn is not None
    changed = {tuple(pair) for pair in np.argwhere(np.array(drawn.changes) > 0).tolist()}
    assert changed == {(batch - 1, 1)}


def test_one_look_at_the_other_batches_finds_what_is_only_there() -> None:
    results = probe_model(LateLeak(), "session", SMALL_FACES, PICTURES, Profile(1, 1, 9))
    leaking = [result.scene for result in results if result.contamination.worst]
    assert leaking == ["session.8x8.batch_9", "session.8x8.batch_8"]


def test_one_picture_is_enough() -> None:
    assert probe_model(Counting(), "session", SMALL_FACES, PICTURES[:1], Profile(1, 1, 2))
