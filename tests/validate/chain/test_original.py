"""What is watched is insightface's own answer, and nothing is changed by watching it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from insightface.utils import face_align

from batchproof.errors import InputError
from batchproof.validate.chain.original import WatchedDetector, original_trace
from batchproof.validate.chain.trace import Scene, landmarks
from batchproof.validate.oracle import OracleDetector, OracleEmbedder
from tests.pipeline.tiny_scrfd import BOXES_ONLY, SPEC, tiny_scrfd
from tests.validate.chain.tiny_chain import PICTURES, SCENE, TinyChain


def test_the_watched_detector_says_what_the_oracle_says(chain: TinyChain) -> None:
    oracle = OracleDetector(chain.files[0], SPEC)
    watched = original_trace(chain.detector, chain.embedder, replace(SCENE, max_num=0))
    for index, picture in enumerate(PICTURES):
        seen = oracle.observe(picture.pixels, SCENE.detection)
        np.testing.assert_array_equal(watched["blob"][index : index + 1], seen.blob)
        np.testing.assert_array_equal(watched["outputs"]["kps_16"][index : index + 1], seen.outputs["kps_16"])
        for faces in (watched["survivors"][index], watched["faces"][index]):
            np.testing.assert_array_equal(faces.boxes, seen.detections.boxes)
            np.testing.assert_array_equal(landmarks([faces]), landmarks([seen.detections]))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_stages_follow_from_each_other(chain: TinyChain) -> None:
    theirs = chain.theirs
    expected = cv2.dnn.blobFromImages(list(theirs["canvases"]), 1 / 128, (96, 64), (127.5,) * 3, swapRB=True)
    np.testing.assert_array_equal(theirs["blob"], expected)
    stages = zip(theirs["candidates"], theirs["survivors"], theirs["faces"], strict=True)
    assert all(len(candidates) > len(survivors) > len(faces) == 3 for candidates, survivors, faces in stages)
    points = landmarks(theirs["faces"])
    np.testing.assert_array_equal(theirs["matrices"][4], face_align.estimate_norm(points[4]))
    np.testing.assert_array_equal(theirs["crops"][4], face_align.norm_crop(PICTURES[1].pixels, points[4]))
    oracle = OracleEmbedder(chain.files[1])
    np.testing.assert_array_equal(theirs["embeddings"][4], oracle.embed(theirs["crops"][4]))
    np.testing.assert_allclose(np.linalg.norm(theirs["unit"], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.diag(theirs["cosines"]), 1, atol=1e-6)
    assert theirs["crop_blob"].shape == (12, 3, 112, 112)


def test_the_scale_is_read_from_the_boxes(chain: TinyChain) -> None:
    assert chain.theirs["scales"] == tuple(min(64 / p.pixels.shape[0], 60 / 60) for p in PICTURES)


def test_without_candidates_the_scale_is_unknown(chain: TinyChain) -> None:
    """A picture with faces goes first: nothing of it may be left."""
    chain.detector.watch(PICTURES[1].pixels, SCENE)
    blind = replace(SCENE, detection=replace(SCENE.detection, threshold=1.0))
    seen = chain.detector.watch(PICTURES[0].pixels, blind)
    assert math.isnan(seen.scale)
    assert len(seen.candidates) == len(seen.survivors) == len(seen.faces) == 0
    assert seen.faces.keypoints is not None
    assert original_trace(chain.detector, chain.embedder, blind)["cosines"].shape == (0, 0)


def test_a_scene_takes_the_size_that_a_model_fixes() -> None:
    assert Scene(PICTURES).resized((96, 128)).detection.width == 128
    assert Scene(PICTURES).resized(None) == Scene(PICTURES)


def test_a_detector_without_landmarks_is_refused(tmp_path: Path) -> None:
    path = tiny_scrfd(tmp_path / "boxes.onnx", keypoints=False)
    with pytest.raises(InputError, match=r"boxes\.onnx: a detector without landmarks"):
        WatchedDetector(path, BOXES_ONLY)
