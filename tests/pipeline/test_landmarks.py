from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from insightface.app.common import Face
from insightface.model_zoo.landmark import Landmark
from insightface.utils import transform

from batchproof.errors import InputError, StepFailedError
from batchproof.pipeline.landmarks import Landmarker, decode_landmarks, head_pose
from batchproof.pipeline.mean_face import mean_shape
from batchproof.pipeline.model import open_model
from batchproof.runtime import Blob, Outputs, open_session
from batchproof.zoo.families import arcface, landmarks
from tests.pipeline.tiny_face_networks import batchable, tiny_face_network
from tests.pipeline.tiny_scrfd import picture

PICTURES = [picture(300, 400), picture(200, 150, 1), picture(90, 500, 2)]
BOXES = [
    np.array([[30, 40, 110, 160], [-20, -9, 33, 60.5], [350, 200, 460, 280]], np.float32),
    np.empty((0, 4), np.float32),
    np.array([[100.25, 3, 180, 71]], np.float32),
]


@pytest.fixture(scope="module", params=[212, 3309], ids=["2d106det", "1k3d68"])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_face_network(tmp_path_factory.mktemp("landmarks") / "original.onnx", request.param)


def insightface_faces(original: Path) -> list[Face]:
    network = Landmark(str(original), session=open_session(original))
    faces = [(pixels, Face(bbox=box)) for pixels, boxes in zip(PICTURES, BOXES, strict=True) for box in boxes]
    for pixels, face in faces:
        network.get(pixels, face)
    return [face for _, face in faces]


def test_the_points_of_a_batch_are_those_of_insightface(original: Path) -> None:
    found = Landmarker(*open_model(batchable(original)), largest_batch=3).find(PICTURES, BOXES)
    name = "landmark_3d_68" if found.shape[2] == 3 else "landmark_2d_106"
    expected = np.stack([face[name] for face in insightface_faces(original)])
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.ptp(found, axis=0).min() > 1, "faces with equal points prove nothing"
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)


def test_the_pose_is_that_of_insightface(tmp_path: Path) -> None:
    original = tiny_face_network(tmp_path / "1k3d68.onnx", 3309)
    faces = insightface_faces(original)
    found = head_pose(np.stack([face.landmark_3d_68 for face in faces]), mean_shape())
    np.testing.assert_allclose(found, [face.pose for face in faces], rtol=0, atol=1e-3)


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, -35, 10), (-15, 60, 170), (80, 5, -90)])
def test_a_turned_head_has_the_pose_that_turned_it(angles: tuple[float, float, float]) -> None:
    x, y, z = np.deg2rad(angles)
    pitch = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    yaw = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    roll = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    turned = (mean_shape() @ (roll @ yaw @ pitch).T * 70 + [200, 150, 9]).astype(np.float32)
    found = head_pose(np.stack([turned, mean_shape()]), mean_shape())
    np.testing.assert_allclose(found, [angles, (0, 0, 0)], atol=1e-3)
    _, rotation, _ = transform.P2sRt(transform.estimate_affine_matrix_3d23d(mean_shape(), turned))
    np.testing.assert_allclose(found[0], transform.matrix2angle(rotation), atol=1e-3)


def test_no_faces_have_no_points_and_no_pose(original: Path) -> None:
    landmarker = Landmarker(*open_model(batchable(original)))
    found = landmarker.find(PICTURES, [BOXES[1]] * 3)
    assert found.shape == (0, landmarker.layout.points, landmarker.layout.dimensions)
    assert head_pose(np.empty((0, 68, 3), np.float32), mean_shape()).shape == (0, 3)


def test_the_borders_of_the_crop_are_one() -> None:
    raw = np.zeros((1, 212), np.float32)
    raw[0, :4] = [-1, -1, 1, 0]
    into_the_crop = np.array([[[2.0, 0, -40], [0, 2.0, -60]]])
    found = decode_landmarks(raw, into_the_crop, 192)
    assert found[0, :3].tolist() == [[20, 30], [116, 78], [68, 78]]


def test_other_networks_are_refused(original: Path) -> None:
    runner, spec = open_model(batchable(original))
    with pytest.raises(InputError, match="a model of the family arcface is no landmarks"):
        Landmarker(runner, arcface())
    with pytest.raises(InputError, match="a largest batch of 0 holds nothing"):
        Landmarker(runner, spec, largest_batch=0)


class Broken:
    """A backend that overflows."""

    name = "broken"

    def infer(self, images: Blob) -> Outputs:
        values = np.zeros((len(images), 212), np.float32)
        values[-1, 3] = np.inf
        return {"landmarks": values}


def test_values_that_are_no_numbers_are_refused() -> None:
    landmarker = Landmarker(Broken(), landmarks(size=192, channels=212, normalised_in_graph=True))
    with pytest.raises(StepFailedError, match="output 'landmarks' is NaN or infinite for picture 3 of the batch"):
        landmarker.find(PICTURES, BOXES)
