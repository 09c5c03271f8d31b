"""Faces of made-up outputs, against insightface's decoding of the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchproof.zoo.spec import ModelSpec
from tests.deploy.deepstream.parser.insightface_decode import ReplayedScrfd
from tests.deploy.deepstream.parser.insightface_faces import require_insightface_faces
from tests.deploy.deepstream.parser.nvinfer_layers import Layer
from tests.deploy.deepstream.parser.parser_library import Parsers, build
from tests.deploy.deepstream.parser.raw_outputs import (
    BOXES_ONLY,
    FIVE_LEVELS,
    ROW,
    SIZE,
    THREE_LEVELS,
    Outputs,
    crowd,
    one_face,
)

SPECS = {"three levels": THREE_LEVELS, "five levels": FIVE_LEVELS, "without landmarks": BOXES_ONLY}


def layers(outputs: Outputs) -> list[Layer]:
    return [Layer.of(name, values) for name, values in outputs.items()]


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_faces_of_insightface_to_the_bit(
    parsers: Parsers, spec: ModelSpec, threshold: float, kind: type[np.generic]
) -> None:
    outputs = {name: values.astype(kind) for name, values in crowd(spec).items()}
    assert require_insightface_faces(parsers, spec, outputs, SIZE, threshold) > 5


def test_some_layers_may_be_half_and_others_not(parsers: Parsers) -> None:
    outputs = crowd(seed=1)
    halved = list(outputs)[::2]
    mixed = {name: values.astype(np.float16 if name in halved else np.float32) for name, values in outputs.items()}
    assert require_insightface_faces(parsers, THREE_LEVELS, mixed, SIZE) > 20


def test_scores_as_large_as_the_threshold_are_faces(parsers: Parsers) -> None:
    """0.3 is another number in float32, and it is that one which counts."""
    assert len(parsers.boxes(layers(one_face(score=0.3)), SIZE, [0.3])) == 1
    below = float(np.nextafter(np.float32(0.3), np.float32(0)))
    assert len(parsers.boxes(layers(one_face(score=below)), SIZE, [0.3])) == 0


def test_the_default_threshold_is_that_of_insightface(parsers: Parsers) -> None:
    assert len(parsers.boxes(layers(one_face(0.5)), SIZE, [])) == 1
    assert len(parsers.boxes(layers(one_face(0.499)), SIZE, [])) == 0
    assert len(parsers.boxes(layers(one_face(1.0)), SIZE, [float("nan")])) == 0


def test_overlap_and_number_of_faces_are_compiled_in(tmp_path: Path) -> None:
    outputs = crowd(seed=2)
    other = build(tmp_path, "8.0", flags="-O0", settings=("NMS_IOU=0.7", "MAX_FACES=30")).opened()
    strict, loose = (ReplayedScrfd(THREE_LEVELS, *SIZE).detect(outputs, iou=iou).scores[:30] for iou in (0.4, 0.7))
    assert loose.tolist() != strict.tolist()
    assert other.boxes(layers(outputs), SIZE)["score"].tolist() == loose.tolist()


def test_boxes_are_clipped_and_landmarks_are_not(parsers: Parsers) -> None:
    outputs = one_face()
    outputs["bbox_16"][ROW] = [10, 20, 30, 1]
    outputs["kps_16"][ROW] = -10
    found, masks = parsers.masks(layers(outputs), SIZE)
    assert [found[side][0] for side in ("left", "top", "width", "height")] == [0, 0, SIZE[0], 48]
    np.testing.assert_array_equal(masks[0, :15].reshape(5, 3)[:, :2], [[64 - 160, 32 - 160]] * 5)


@pytest.mark.parametrize("sides", [[-20, 0, 30, 1], [0, 0, -1, 1], [0, 0, 0, 1], [3, -9, 1, -20]])
def test_a_box_of_which_nothing_is_in_the_frame_is_no_face(parsers: Parsers, sides: list[float]) -> None:
    outputs = one_face()
    outputs["bbox_16"][ROW] = sides
    assert len(parsers.boxes(layers(outputs), SIZE)) == 0
    outputs["bbox_16"][ROW] = 1
    assert len(parsers.boxes(layers(outputs), SIZE)) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("name", ["score_16", "bbox_16"])
def test_what_is_not_finite_is_no_face_and_harms_no_other(
    parsers: Parsers, capfd: pytest.CaptureFixture[str], name: str, value: float
) -> None:
    outputs = one_face()
    outputs["score_8"][0], outputs["bbox_8"][0] = 0.6, 1
    outputs[name][ROW, 0] = value
    found = parsers.boxes(layers(outputs), SIZE)
    absent = name == "score_16" and value == -np.inf
    huge = name == "score_16" and value == np.float64(3e38)
    assert found["score"].tolist() == ([np.float32(3e38)] if huge else []) + [np.float32(0.6)]
    warning = "batchproof: SCRFD parser: 1 scores or boxes are not finite: those faces are dropped\n"
    assert capfd.readouterr().err == ("" if absent or huge else warning)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_overlaps_that_are_not_a_number_suppress_as_in_insightface(parsers: Parsers) -> None:
    outputs = one_face()
    for row, score in ((0, 0.9), (700, 0.8)):
        outputs["score_8"][row], outputs["bbox_8"][row] = score, 1e30
    assert require_insightface_faces(parsers, THREE_LEVELS, outputs, SIZE) == 2


def test_a_face_whose_landmarks_are_not_finite_has_none(parsers: Parsers) -> None:
    outputs = one_face()
    outputs["kps_16"][ROW, 7] = np.nan
    found, masks = parsers.masks(layers(outputs), SIZE)
    assert len(found) == 1
    assert found[0]["mask"] == found[0]["mask_size"] == found[0]["mask_width"] == found[0]["mask_height"] == 0
    assert np.isnan(masks).all()
