from __future__ import annotations

import numpy as np
import pytest

from batchproof.errors import StepFailedError
from batchproof.runtime import Blob, Outputs
from batchproof.validate.whole_batches import WholeBatches, infer_whole
from batchproof.zoo.families import genderage

SPEC = genderage(size=96, normalised_in_graph=True)
IMAGES = np.arange(7, dtype=np.float32)[:, None, None, None] * np.ones((1, 3, 96, 96), np.float32)


class Means:
    """Three times the mean of each image; remembers what it was given."""

    name = "means"

    def __init__(self) -> None:
        self.given: list[list[float]] = []

    def infer(self, images: Blob) -> Outputs:
        means = images.mean(axis=(1, 2, 3))
        self.given.append(means.tolist())
        return {"attributes": np.repeat(means[:, None], 3, axis=1)}


class Flat(Means):
    """All values of a batch in one row."""

    def infer(self, images: Blob) -> Outputs:
        return {"attributes": super().infer(images)["attributes"].reshape(1, -1)}


def test_the_last_batch_is_filled_from_the_beginning() -> None:
    runner = Means()
    outputs = infer_whole(runner, SPEC, IMAGES, 3)
    assert runner.given == [[0, 1, 2], [3, 4, 5], [6, 0, 1]]
    assert outputs["attributes"][:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_few_images_are_repeated_until_the_batch_is_whole() -> None:
    runner = Means()
    assert infer_whole(runner, SPEC, IMAGES[1:3], 5)["attributes"].shape == (2, 3)
    assert runner.given == [[1, 2, 1, 2, 1]]


def test_a_pipeline_gets_its_rows_and_they_are_kept() -> None:
    inner = Means()
    batches = WholeBatches(inner, SPEC, 4)
    assert batches.name == "means"
    assert batches.infer(IMAGES[:4])["attributes"].shape == (4, 3)
    assert batches.infer(IMAGES[4:])["attributes"][:, 1].tolist() == [4, 5, 6]
    assert [len(batch) for batch in inner.given] == [4, 4]
    assert batches.rows[:, 2].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_outputs_that_do_not_fit_are_refused_before_they_are_cut() -> None:
    with pytest.raises(StepFailedError, match=r"output 'attributes' has shape \[1, 12\], expected \[4, 3\]"):
        WholeBatches(Flat(), SPEC, 4).infer(IMAGES[:1])
