from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from insightface.app.common import Face
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.model_zoo.attribute import Attribute
from insightface.model_zoo.landmark import Landmark
from insightface.model_zoo.scrfd import SCRFD

from batchproof.errors import InputError
from batchproof.pipeline import (
    AttributeReader,
    DetectionSettings,
    Detector,
    Embedder,
    FacePipeline,
    Landmarker,
    open_model,
)
from batchproof.runtime import OnnxRuntimeRunner, open_session
from tests.pipeline.tiny_face_networks import batchable, tiny_face_network
from tests.pipeline.tiny_scrfd import BOXES_ONLY, SPEC, picture, tiny_scrfd
from tests.validate.tiny_embedder import SPEC as EMBEDDER
from tests.validate.tiny_embedder import tiny_embedder

SMALL = DetectionSettings(height=64, width=96)
FRAMES = [picture(64, 96, 1), np.full((64, 96, 3), 127, np.uint8), picture(131, 77, 2), picture(40, 200, 3)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    return {
        "detector": tiny_scrfd(folder / "detector.onnx"),
        "embedder": tiny_embedder(folder / "embedder.onnx"),
        "2d106": tiny_face_network(folder / "2d106det.onnx", 212),
        "3d68": tiny_face_network(folder / "1k3d68.onnx", 3309),
        "genderage": tiny_face_network(folder / "genderage.onnx", 3),
    }


@pytest.fixture(scope="module")
def pipeline(files: dict[str, Path]) -> FacePipeline:
    return FacePipeline(
        Detector(OnnxRuntimeRunner(files["detector"]), SPEC, SMALL, largest_batch=3),
        Embedder(OnnxRuntimeRunner(files["embedder"]), EMBEDDER, largest_batch=2),
        [Landmarker(*open_model(batchable(files[name]))) for name in ("2d106", "3d68")],
        AttributeReader(*open_model(batchable(files["genderage"]))),
    )


def insightface_faces(files: dict[str, Path], frame: np.ndarray) -> list[Face]:
    """What `FaceAnalysis.get` does with the same files: the real classes, one face at a time."""
    sessions = {name: open_session(path) for name, path in files.items()}
    detector = SCRFD(str(files["detector"]), session=sessions["detector"], static_shape_sessions=False)
    others = [
        ArcFaceONNX(str(files["embedder"]), session=sessions["embedder"]),
        *(Landmark(str(files[name]), session=sessions[name]) for name in ("2d106", "3d68")),
        Attribute(str(files["genderage"]), session=sessions["genderage"]),
    ]
    boxes, keypoints = detector.detect(frame, input_size=(96, 64))
    faces = [Face(bbox=box[:4], kps=kps, det_score=box[4]) for box, kps in zip(boxes, keypoints, strict=True)]
    for face in faces:
        for network in others:
            network.get(frame, face)
    return faces


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_batch_of_frames_gives_what_insightface_gives_face_by_face(
    files: dict[str, Path], pipeline: FacePipeline
) -> None:
    found = pipeline.run(FRAMES)
    assert [len(faces) > 0 for faces in found] == [True, False, True, True]
    for frame, faces in zip(FRAMES, found, strict=True):
        expected = insightface_faces(files, frame)
        assert len(faces) == len(expected)
        assert faces.attributes is not None
        assert faces.embeddings is not None
        assert faces.normed_embeddings is not None
        for index, face in enumerate(expected):
            np.testing.assert_array_equal(faces.detections.boxes[index], face.bbox)
            np.testing.assert_allclose(faces.embeddings[index], face.embedding, rtol=0, atol=1e-5)
            np.testing.assert_allclose(faces.normed_embeddings[index], face.normed_embedding, rtol=0, atol=1e-6)
            np.testing.assert_allclose(faces.landmarks[0][index], face.landmark_2d_106, rtol=0, atol=1e-3)
            np.testing.assert_allclose(faces.landmarks[1][index], face.landmark_3d_68, rtol=0, atol=1e-3)
            assert (faces.attributes.male[index], faces.attributes.age[index]) == (face.gender == 1, face.age)


def test_a_frame_gets_what_it_gets_alone(pipeline: FacePipeline) -> None:
    for frame, together in zip(FRAMES, pipeline.run(iter(FRAMES)), strict=True):
        (alone,) = pipeline.run([frame])
        assert together.embeddings is not None
        assert alone.embeddings is not None
        np.testing.assert_array_equal(together.crops, alone.crops)
        np.testing.assert_allclose(together.embeddings, alone.embeddings, rtol=0, atol=1e-5)


def test_a_frame_without_faces_has_empty_arrays(pipeline: FacePipeline) -> None:
    (none,) = pipeline.run([FRAMES[1]])
    assert len(none) == 0
    assert none.crops is not None
    assert none.embeddings is not None
    assert none.normed_embeddings is not None
    assert (none.crops.shape, none.embeddings.shape) == ((0, 112, 112, 3), (0, 8))
    assert none.normed_embeddings.shape == (0, 8)
    assert [points.shape for points in none.landmarks] == [(0, 106, 2), (0, 68, 3)]


def test_no_frames_give_nothing(pipeline: FacePipeline) -> None:
    assert pipeline.run([]) == []


def test_frames_may_be_one_array_and_need_not_be_contiguous(pipeline: FacePipeline) -> None:
    stacked = np.stack([FRAMES[0], FRAMES[0][:, ::-1]])
    found = pipeline.run(stacked)
    (turned,) = pipeline.run([FRAMES[0][:, ::-1]])
    assert len(turned) > 0
    np.testing.assert_array_equal(found[1].crops, turned.crops)


def test_one_pixel_is_a_frame(pipeline: FacePipeline) -> None:
    (found,) = pipeline.run([np.full((1, 1, 3), 90, np.uint8)])
    assert found.embeddings is not None
    assert len(found.embeddings) == len(found)


@pytest.mark.parametrize("frame", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.uint16), None])
def test_a_frame_that_is_no_picture_is_named(pipeline: FacePipeline, frame: np.ndarray) -> None:
    with pytest.raises(InputError, match="frame 2: no picture"):
        pipeline.run([*FRAMES[:2], frame])


def test_a_frame_that_leaves_nothing_is_named(pipeline: FacePipeline) -> None:
    with pytest.raises(InputError, match="frame 1: a picture of 1x5000 pixels leaves nothing"):
        pipeline.run([FRAMES[0], np.zeros((5000, 1, 3), np.uint8)])


def test_detection_alone_is_enough(files: dict[str, Path]) -> None:
    detector = Detector(OnnxRuntimeRunner(files["detector"]), SPEC, SMALL)
    (found,) = FacePipeline(detector).run(FRAMES[:1])
    assert (found.crops, found.embeddings, found.normed_embeddings) == (None, None, None)
    assert (found.landmarks, found.attributes) == ((), None)


def test_faces_without_landmarks_cannot_be_embedded(files: dict[str, Path], tmp_path: Path) -> None:
    detector = Detector(OnnxRuntimeRunner(tiny_scrfd(tmp_path / "boxes.onnx", keypoints=False)), BOXES_ONLY, SMALL)
    with pytest.raises(InputError, match="a detector without landmarks finds no faces that can be aligned"):
        FacePipeline(detector, Embedder(OnnxRuntimeRunner(files["embedder"]), EMBEDDER))
    assert len(FacePipeline(detector).run(FRAMES)) == 4
