from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchproof.errors import StepFailedError
from batchproof.pipeline.decode import DetectionSettings, decode
from batchproof.pipeline.detect import detect
from batchproof.runtime import OnnxRuntimeRunner, Outputs
from batchproof.validate.oracle import OracleDetector
from tests.pipeline.tiny_scrfd import BOXES_ONLY, SPEC, picture, tiny_scrfd

SMALL = DetectionSettings(height=64, width=96)
PICTURES = [picture(64, 96, 1), picture(131, 77, 2), picture(40, 200, 3), picture(300, 301, 4)]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_scrfd(tmp_path_factory.mktemp("tiny") / "detector.onnx")


@pytest.fixture(scope="module")
def oracle(detector: Path) -> OracleDetector:
    return OracleDetector(detector, SPEC)


def outputs(batch: int = 1) -> Outputs:
    """No face anywhere on a canvas of 64 x 96 pixels."""
    return {
        output.name: np.zeros((batch, output.rows(64, 96, SPEC.anchors_per_cell) or 0, output.channels), np.float32)
        for output in SPEC.outputs
    }


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_a_batch_gives_the_faces_of_insightface_to_the_bit(
    detector: Path, oracle: OracleDetector, threshold: float
) -> None:
    settings = DetectionSettings(height=64, width=96, threshold=threshold)
    batched = detect(OnnxRuntimeRunner(detector), SPEC, PICTURES, settings)
    assert sum(len(found) for found in batched) > 3
    for pixels, found in zip(PICTURES, batched, strict=True):
        expected = oracle.observe(pixels, settings).detections
        np.testing.assert_array_equal(found.boxes, expected.boxes)
        np.testing.assert_array_equal(found.scores, expected.scores)
        assert found.keypoints is not None
        assert expected.keypoints is not None
        np.testing.assert_array_equal(found.keypoints, expected.keypoints)
        assert {found.boxes.dtype, found.scores.dtype, found.keypoints.dtype} == {np.dtype(np.float32)}


def test_a_detector_without_landmarks(tmp_path: Path) -> None:
    path = tiny_scrfd(tmp_path / "boxes.onnx", keypoints=False)
    found = detect(OnnxRuntimeRunner(path), BOXES_ONLY, PICTURES, SMALL)
    expected = OracleDetector(path, BOXES_ONLY).observe(PICTURES[1], SMALL).detections
    assert found[1].keypoints is None
    assert expected.keypoints is None
    np.testing.assert_array_equal(found[1].boxes, expected.boxes)


def test_one_face_by_hand() -> None:
    raw = outputs(batch=2)
    row = (2 * (96 // 16) + 3) * 2 + 1  # stride 16: third line, fourth cell, second anchor: its corner is (48, 32)
    raw["score_16"][1, row] = 0.9
    raw["bbox_16"][1, row] = [1, 2, 3, 0.5]
    raw["kps_16"][1, row] = [-1, 0, 1, 0, 0, 0.5, -1, 1, 1, 1]
    none, one = decode(raw, SPEC, SMALL, [1.0, 0.5])
    assert len(none) == 0
    assert one.scores.tolist() == [np.float32(0.9)]
    assert one.boxes.tolist() == [[64.0, 0.0, 192.0, 80.0]]
    assert one.keypoints is not None
    assert one.keypoints.tolist() == [[[64, 64], [128, 64], [96, 80], [64, 96], [128, 96]]]


def test_the_threshold_itself_is_a_face_and_ties_keep_the_order_of_rows() -> None:
    raw = outputs()
    for column, score in enumerate((0.5, np.nextafter(np.float32(0.5), np.float32(0)), 0.5, 0.6)):
        raw["score_32"][0, column] = score
        raw["bbox_32"][0, column] = [-0.1, -0.1, 0.1 * (column + 1), 0.1 * (column + 1)]
    (found,) = decode(raw, SPEC, DetectionSettings(height=64, width=96, iou=1.0), [1.0])
    assert found.scores.tolist() == [np.float32(0.6), 0.5, 0.5]
    assert found.boxes[:, 0].tolist() == pytest.approx([35.2, 3.2, 35.2])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(value: float) -> None:
    raw = outputs(batch=3)
    raw["score_8"][2, 5] = value
    with pytest.raises(StepFailedError, match="output 'score_8' is NaN or infinite for picture 2 of the batch"):
        decode(raw, SPEC, SMALL, [1.0, 1.0, 1.0])


@pytest.mark.parametrize("name", ["bbox_32", "kps_32"])
def test_faces_that_are_no_numbers_are_refused(name: str) -> None:
    raw = outputs(batch=2)
    raw["score_32"][1, 0] = 0.9
    raw[name][1, 0, 1] = np.nan
    with pytest.raises(StepFailedError, match=f"output '{name}' is NaN or infinite for picture 1"):
        decode(raw, SPEC, SMALL, [1.0, 1.0])


def test_a_missing_output_is_named() -> None:
    raw = outputs()
    del raw["kps_16"]
    with pytest.raises(StepFailedError, match="output 'kps_16' is missing, the model gives score_8"):
        decode(raw, SPEC, SMALL, [1.0])


def test_interleaved_rows_are_refused_by_shape() -> None:
    flat = {name: array.reshape(-1, array.shape[2]) for name, array in outputs(batch=3).items()}
    with pytest.raises(StepFailedError, match=r"output 'score_8' has shape \[576, 1\], expected \[3, 192, 1\]"):
        decode(flat, SPEC, SMALL, [1.0, 1.0, 1.0])
