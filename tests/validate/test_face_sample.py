from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchproof.pipeline.decode import Detections, DetectionSettings
from batchproof.pipeline.pictures import Picture
from batchproof.validate.face_sample import FaceSample, found_faces, whole_pictures
from batchproof.validate.oracle import Observation, OracleDetector
from batchproof.verdict import Status
from tests.pipeline.tiny_scrfd import BOXES_ONLY, picture, tiny_scrfd
from tests.validate.tiny_faces import FACES

PICTURES = [Picture("a.png", picture(64, 96)), Picture("b.png", picture(96, 64, 1))]
SIZE = DetectionSettings(64, 96)


class Finds(OracleDetector):
    """A detector that finds the same boxes in every picture."""

    def __init__(self, *boxes: list[float]) -> None:
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4)

    def observe(self, picture: np.ndarray, settings: DetectionSettings) -> Observation:
        found = Detections(self.boxes, np.ones(len(self.boxes), np.float32), None)
        return Observation(np.empty((1, 3, 0, 0), np.float32), {}, found)


def test_faces_are_named_after_picture_and_detection() -> None:
    outside = [-50.0, -40, -1, 9]
    sample = found_faces(PICTURES, Finds([1, 2, 30, 40], outside), SIZE, most=10)
    assert [face.name for face in sample.faces] == ["a.png face 0", "a.png face 1", "b.png face 0", "b.png face 1"]
    assert sample.told == "4 faces that insightface finds in the 2 pictures"
    assert sample.boxes[1].tolist() == [outside]
    assert sample.pictures[2] is PICTURES[1].pixels


def test_boxes_without_extent_are_left_out_and_told() -> None:
    boxes: list[list[float]] = [[9, 9, 9, 9], [1, 2, 30, 40], [20, 20, 10, 10], [0, 0, np.nan, 5]]
    sample = found_faces(PICTURES, Finds(*boxes), SIZE, most=10)
    assert [face.name for face in sample.faces] == ["a.png face 1", "b.png face 1"]
    assert sample.told == "2 faces that insightface finds in the 2 pictures, 6 boxes without extent left out"


def test_no_more_faces_are_taken_than_wanted() -> None:
    sample = found_faces(PICTURES, Finds([1, 2, 30, 40], [5, 5, 20, 20]), SIZE, most=3)
    assert len(sample.faces) == 3
    assert sample.told == "3 of 4 faces that insightface finds in the 2 pictures"


@pytest.mark.parametrize(
    ("boxes", "told"),
    [
        ([], "insightface finds no face in the 2 pictures"),
        ([[3, 3, 3, 3]], "insightface finds no face in the 2 pictures, 2 boxes without extent left out"),
    ],
)
def test_pictures_without_faces_say_so(boxes: list[list[float]], told: str) -> None:
    assert found_faces(PICTURES, Finds(*boxes), SIZE, most=10) == FaceSample((), told)


def test_a_detector_without_landmarks_will_do(tmp_path: Path) -> None:
    finder = OracleDetector(tiny_scrfd(tmp_path / "det.onnx", keypoints=False), BOXES_ONLY)
    assert len(found_faces(PICTURES, finder, SIZE, most=10).faces) > 3


def test_whole_pictures_have_the_size_that_they_would_be_searched_at() -> None:
    sample = whole_pictures([Picture("a.png", picture(128, 192)), Picture("b.png", picture(96, 64, 1))], SIZE)
    assert [face.name for face in sample.faces] == ["a.png whole", "b.png whole"]
    assert [face.pixels.shape for face in sample.faces] == [(64, 96, 3)] * 2
    expected = np.array([[0, 0, 96, 64], [0, 0, 64 * 64 / 96, 64]], np.float32)
    np.testing.assert_allclose(np.concatenate(sample.boxes), expected, rtol=1e-6)
    assert sample.told == "2 whole pictures"


@pytest.mark.parametrize(
    ("amounts", "status", "witness"),
    [
        ([0.0, 0.5, 0.1], Status.PASS, "0.png face 1"),
        ([0.0, 0.5, 1.5], Status.FAIL, "0.png face 2"),
        ([2.0, np.nan, 1.5], Status.FAIL, "0.png face 1"),
        ([0.0, 0.0, 0.0], Status.PASS, None),
    ],
)
def test_the_worst_face_is_judged(amounts: list[float], status: Status, witness: str | None) -> None:
    verdict = FaceSample(FACES[:3], "").worst("parity.x", "model", np.array(amounts), 1.0, "why", "px")
    assert (verdict.status, verdict.witness) == (status, witness)
    assert (verdict.check, verdict.subject, verdict.unit, verdict.threshold) == ("parity.x", "model", "px", 1.0)
