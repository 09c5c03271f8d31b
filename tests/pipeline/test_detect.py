from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchproof.errors import InputError
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.detect import detect, prepare
from batchproof.runtime import OnnxRuntimeRunner
from tests.pipeline.tiny_scrfd import SPEC, picture, tiny_scrfd


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_scrfd(tmp_path_factory.mktemp("tiny") / "detector.onnx")


def test_pictures_of_any_size_become_one_batch_with_their_scales() -> None:
    prepared = prepare([picture(32, 64), picture(128, 64)], SPEC.input, 64, 64)
    assert prepared.blob.shape == (2, 3, 64, 64)
    assert prepared.scales == (1.0, 0.5)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 100), (0, 64), (64, -32)])
def test_sizes_that_break_the_anchor_grid_are_refused(height: int, width: int) -> None:
    with pytest.raises(InputError, match="Choose positive multiples of 32 pixels"):
        prepare([picture(32, 32)], SPEC.input, height, width)


def test_a_batch_gives_each_picture_what_it_gets_alone(detector: Path) -> None:
    runner, settings = OnnxRuntimeRunner(detector), DetectionSettings(height=96, width=64)
    pictures = [picture(90, 60, seed) for seed in range(3)]
    together = detect(runner, SPEC, pictures, settings)
    assert len({len(faces) for faces in together}) > 1, "pictures with equal answers prove nothing"
    for pixels, faces in zip(pictures, together, strict=True):
        (alone,) = detect(runner, SPEC, [pixels], settings)
        np.testing.assert_allclose(faces.boxes, alone.boxes, atol=1e-3)
