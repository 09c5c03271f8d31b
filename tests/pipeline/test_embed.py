from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from insightface.app.common import Face

from batchproof.errors import InputError, StepFailedError
from batchproof.pipeline.embed import Embedder, normalised
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.validate.oracle import OracleEmbedder
from tests.pipeline.tiny_scrfd import SPEC as DETECTOR
from tests.pipeline.tiny_scrfd import picture
from tests.validate.tiny_embedder import SPEC, tiny_embedder

CROPS = np.stack([picture(112, 112, seed) for seed in range(7)])


class Counting:
    """Keeps the size of every batch."""

    def __init__(self, path: Path) -> None:
        self.inner = OnnxRuntimeRunner(path)
        self.name = self.inner.name
        self.batches: list[int] = []

    def infer(self, images: Blob) -> Outputs:
        self.batches.append(len(images))
        return self.inner.infer(images)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_embedder(tmp_path_factory.mktemp("tiny") / "embedder.onnx")


@pytest.mark.parametrize(("largest", "batches"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (16, [7])])
def test_batches_are_full_and_their_embeddings_those_of_insightface(
    original: Path, largest: int, batches: list[int]
) -> None:
    runner = Counting(original)
    found = Embedder(runner, SPEC, largest_batch=largest).embed(CROPS)
    oracle = OracleEmbedder(original)
    assert runner.batches == batches
    assert found.shape == (7, 8)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [oracle.embed(crop) for crop in CROPS], rtol=0, atol=1e-5)


def test_no_crops_run_nothing(original: Path) -> None:
    runner = Counting(original)
    assert Embedder(runner, SPEC).embed(CROPS[:0]).shape == (0, 8)
    assert runner.batches == []


def test_normalised_as_insightface_does_to_the_bit() -> None:
    embeddings = np.random.default_rng(0).standard_normal((50, 512)).astype(np.float32) * 20
    expected = [Face(embedding=embedding).normed_embedding for embedding in embeddings]
    np.testing.assert_array_equal(normalised(embeddings), expected)


def test_a_row_of_zeros_stays_zeros() -> None:
    assert normalised(np.zeros((2, 4), np.float32)).tolist() == [[0] * 4] * 2
    assert normalised(np.zeros((0, 4), np.float32)).shape == (0, 4)


def test_crops_of_another_size_are_refused(original: Path) -> None:
    with pytest.raises(InputError, match="picture 0 of the batch is 96x96 pixels, expected 112x112"):
        Embedder(OnnxRuntimeRunner(original), SPEC).embed(CROPS[:, :96, :96])


def test_a_detector_is_no_embedder(original: Path) -> None:
    with pytest.raises(InputError, match="a model of the family scrfd is no embedder"):
        Embedder(OnnxRuntimeRunner(original), DETECTOR)


class Flat:
    """The defect of a frozen Reshape: all rows in one."""

    name = "flat"

    def infer(self, images: Blob) -> Outputs:
        return {"embedding": np.zeros((1, 8 * len(images)), np.float32)}


def test_rows_that_run_together_are_refused() -> None:
    with pytest.raises(StepFailedError, match=r"output 'embedding' has shape \[1, 56\], expected \[7, 8\]"):
        Embedder(Flat(), SPEC).embed(CROPS)
