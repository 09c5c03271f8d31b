from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from insightface.model_zoo.scrfd import SCRFD

from batchproof.pipeline.decode import Detections, DetectionSettings
from batchproof.pipeline.detect import Detector
from batchproof.pipeline.select import Metric, select
from batchproof.runtime import OnnxRuntimeRunner, open_session
from tests.pipeline.tiny_scrfd import SPEC, picture, tiny_scrfd

SMALL = DetectionSettings(height=64, width=96, threshold=0.3)


@pytest.mark.parametrize("metric", ["default", "max"])
@pytest.mark.parametrize("max_num", [0, 1, 3, 1000])
def test_the_faces_that_insightface_goes_on_with(tmp_path: Path, metric: Metric, max_num: int) -> None:
    path = tiny_scrfd(tmp_path / "detector.onnx")
    frames = [picture(64, 96, 1), picture(131, 77, 2), picture(41, 203, 3)]
    detector = Detector(OnnxRuntimeRunner(path), SPEC, SMALL, max_num=max_num, metric=metric)
    original = SCRFD(str(path), session=open_session(path), static_shape_sessions=False)
    for frame, found in zip(frames, detector.detect(frames), strict=True):
        boxes, keypoints = original.detect(
            frame, input_size=(96, 64), max_num=max_num, metric=metric, det_thresh=SMALL.threshold
        )
        assert len(found) > (0 if max_num == 1 else 2)
        np.testing.assert_array_equal(np.column_stack([found.boxes, found.scores]), boxes)
        np.testing.assert_array_equal(found.keypoints, keypoints)


def test_the_centre_counts_unless_size_alone_is_asked_for() -> None:
    boxes = np.array([[0, 0, 30, 30], [45, 45, 55, 55]], np.float32)
    faces = Detections(boxes, np.array([0.9, 0.8], np.float32), None)
    assert select(faces, 100, 100, 1).boxes.tolist() == [[45, 45, 55, 55]]
    assert select(faces, 100, 100, 1, "max").boxes.tolist() == [[0, 0, 30, 30]]
    assert select(faces, 100, 100, 2).boxes.tolist() == boxes.tolist()


def test_the_centre_of_an_odd_picture_is_a_whole_pixel() -> None:
    boxes = np.array([[46.5, 40, 56.5, 60], [44, 40, 54, 60]], np.float32)
    faces = Detections(boxes, np.array([0.9, 0.8], np.float32), None)
    assert select(faces, 100, 101, 1).boxes.tolist() == [[44, 40, 54, 60]]
