"""Faces decoded from raw outputs, and the objects that DeepStream has made of the same faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from batchproof.pipeline import open_model
from batchproof.pipeline.decode import Detections, DetectionSettings, Floats, decode
from batchproof.pipeline.detect import prepare
from batchproof.pipeline.pictures import load_pictures
from batchproof.zoo.families import scrfd
from batchproof.zoo.spec import ModelSpec
from tests.deploy.deepstream.align.faces import repaired
from tests.deploy.deepstream.align.native import Doubles, Native
from tests.deploy.deepstream.align.test_letterbox import scales_of
from tests.deploy.deepstream.parser.raw_outputs import ROW, SIZE, Outputs, crowd, empty, one_face

NETWORK = (640, 640)
FRAME = (1366, 768)
WITHOUT = "without a detection or landmarks"
SPEC = scrfd()


@dataclass(frozen=True)
class RawFrame:
    """One picture's raw outputs, its size (width, height), and its faces in pixels of the network's input."""

    outputs: Outputs
    size: tuple[int, int]
    faces: Detections


def raw_frame(outputs: Outputs, spec: ModelSpec, network: tuple[int, int], size: tuple[int, int]) -> RawFrame:
    settings = DetectionSettings(height=network[1], width=network[0])
    batch = {name: values[None].astype(np.float32) for name, values in outputs.items()}
    (faces,) = decode(batch, spec, settings, (1.0,))
    return RawFrame(outputs, size, faces)


@pytest.fixture(scope="module")
def raw_frames(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[RawFrame]:
    """All real pictures in one batch."""
    model = repaired(test_data / "models" / "det_500m.onnx", tmp_path_factory.mktemp("detector"))
    runner, spec = open_model(model)
    pictures = [picture.pixels for picture in load_pictures(test_data / "images")]
    outputs = runner.infer(prepare(pictures, spec.input, *NETWORK).blob)
    batch = ({output.name: outputs[output.name][i] for output in spec.outputs} for i in range(len(pictures)))
    return [
        raw_frame(frame, spec, NETWORK, (picture.shape[1], picture.shape[0]))
        for frame, picture in zip(batch, pictures, strict=True)
    ]


def objects_of(
    faces: Detections, frame: tuple[int, int], network: tuple[int, int], *, server: bool
) -> tuple[Floats, Doubles]:
    """Boxes `[n, 4]` and landmarks `[n, 5, 2]` in pixels of the frame, by the letterbox of nvinfer or nvinferserver."""
    scales = scales_of(*frame, *network, server=server)
    assert scales is not None
    assert faces.keypoints is not None
    boxes = np.clip(faces.boxes, 0, np.tile(network, 2)) / np.tile(scales, 2)
    return boxes.astype(np.float32), faces.keypoints / np.array(scales)


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_every_object_of_real_pictures_gets_its_own_landmarks(
    native: Native, raw_frames: list[RawFrame], server: bool, kind: type[np.generic]
) -> None:
    count = 0
    for frame in raw_frames:
        objects, expected = objects_of(frame.faces, frame.size, NETWORK, server=server)
        outputs = [values.astype(kind) for values in frame.outputs.values()]
        outcomes, landmarks, _ = native.decoded(outputs, NETWORK, frame.size, objects)
        at = [index for index, outcome in enumerate(outcomes) if outcome == "aligned"]
        # Halves move a score across the threshold, and points by a quarter of a pixel of the network.
        tolerance = 5e-3 if kind is np.float32 else max(frame.size) / NETWORK[0] / 4
        np.testing.assert_allclose(landmarks[at], expected[at], rtol=0, atol=tolerance)
        assert len(at) >= len(objects) - (kind is np.float16)
        count += len(at)
    assert count > 140


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize("frame", [FRAME, (768, 1366), (1920, 1080), (257, 131)])
def test_objects_of_both_elements_are_told_apart_wherever_they_lie(
    native: Native, server: bool, frame: tuple[int, int]
) -> None:
    """At the far end of 1366x768 the two letterboxes are two pixels apart."""
    outputs = crowd(seed=5)
    raw = raw_frame(outputs, SPEC, SIZE, frame)
    objects, expected = objects_of(raw.faces, frame, SIZE, server=server)
    inside = (objects[:, :2] < np.array(frame) - 1).all(axis=1)
    across = (objects[:, :2] <= 0).any(axis=1) & (objects[:, 2:] >= frame).any(axis=1)
    inside &= ~across
    outcomes, landmarks, count = native.decoded(list(outputs.values()), SIZE, frame, objects[inside])
    assert count >= inside.sum() > 20
    assert set(outcomes) == {"aligned"}
    np.testing.assert_allclose(landmarks, expected[inside], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("bottom", [28, 48])
def test_a_box_may_be_cut_at_the_border_or_not(native: Native, bottom: int) -> None:
    """Most of the face, which reaches from 16 to 48, lies below the frame, which ends at 28."""
    box = np.array([[48, 16, 80, bottom]], np.float32)
    outcomes, landmarks, _ = native.decoded(list(one_face().values()), SIZE, (128, 28), box)
    assert outcomes == ["aligned"]
    np.testing.assert_allclose(landmarks[0], [[72, 40]] * 5)


@pytest.mark.parametrize(("right", "outcome"), [(80, "aligned"), (113, "aligned"), (113.25, WITHOUT), (300, WITHOUT)])
def test_half_a_face_is_enough_and_less_is_none(native: Native, right: float, outcome: str) -> None:
    """The face is 48 to 80: 33 pixels wide, for a border belongs to its box, and half of 48 to 113."""
    box = np.array([[48, 16, right, 48]], np.float32)
    assert native.decoded(list(one_face().values()), SIZE, SIZE, box)[0] == [outcome]


@pytest.mark.parametrize(
    "box", [[0, 0, 0, 0], [np.nan] * 4, [80, 48, 48, 16], [500, 500, 600, 600], [-np.inf, 0, np.inf, 9]]
)
def test_what_is_no_box_of_a_face_has_no_landmarks(native: Native, box: list[float]) -> None:
    found = native.decoded(list(one_face().values()), SIZE, SIZE, np.array([box], np.float32))
    assert found[0] == [WITHOUT]


def test_the_threshold_decides_who_is_decoded(native: Native) -> None:
    box, outputs = np.array([[48, 16, 80, 48]], np.float32), list(one_face(0.4).values())
    assert native.decoded(outputs, SIZE, SIZE, box)[0] == [WITHOUT]
    assert native.decoded(outputs, SIZE, SIZE, box, threshold=0.4)[0] == ["aligned"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_face_whose_points_are_no_numbers_has_none(native: Native, bad: float) -> None:
    outputs = one_face()
    outputs["kps_16"][ROW, 3] = bad
    box = np.array([[48, 16, 80, 48]], np.float32)
    outcomes, _, faces = native.decoded(list(outputs.values()), SIZE, SIZE, box)
    assert (outcomes, faces) == ([WITHOUT], 1)


@pytest.mark.parametrize("outputs", [empty(), {}, {"score_8": np.ones((1024, 1), np.float32)}])
def test_outputs_without_faces_give_no_landmarks(native: Native, outputs: Outputs) -> None:
    box = np.array([[48, 16, 80, 48]], np.float32)
    assert native.decoded(list(outputs.values()), SIZE, SIZE, box)[0] == [WITHOUT]


@pytest.mark.parametrize("frame", [(1, 1), (9000, 2), (2, 9000)])
def test_a_frame_of_which_the_letterbox_leaves_nothing_has_no_landmarks(native: Native, frame: tuple[int, int]) -> None:
    box = np.array([[0, 0, *frame]], np.float32)
    assert native.decoded(list(one_face().values()), SIZE, frame, box)[0] == [WITHOUT]
