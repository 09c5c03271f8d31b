"""Landmarks from raw outputs, as nvdspreprocess calls the library, against DeepStream's own headers."""

from __future__ import annotations

import ctypes
from contextlib import AbstractContextManager

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.deploy.deepstream.align import frames, glue
from tests.deploy.deepstream.align.glue import Face, Library, Prepared, RawOutputs, Surface, opened
from tests.deploy.deepstream.align.native import Native
from tests.deploy.deepstream.align.test_letterbox import scales_of
from tests.deploy.deepstream.align.test_preprocess_align import FRAME, expected_crop, landmarks
from tests.deploy.deepstream.align.test_preprocess_align import SIZE as FRAME_SIZE
from tests.deploy.deepstream.parser.raw_outputs import empty

NETWORK = (320, 256)
STRIDE = 16


def outputs_of(*xs: float, score: float = 0.75) -> list[NDArray[np.generic]]:
    """Raw outputs of faces of 64 x 64 pixels, whose landmarks are `landmarks(x)`, each on an anchor of its own."""
    outputs = empty(size=NETWORK)
    for x in xs:
        column, row = round(x + 35) // STRIDE, 6
        at = (row * (NETWORK[0] // STRIDE) + column) * 2
        anchor = np.array([column * STRIDE, row * STRIDE])
        outputs["score_16"][at] = score
        outputs["bbox_16"][at] = 2
        outputs["kps_16"][at] = ((landmarks(x) - anchor) / STRIDE).ravel()
    return list(outputs.values())


def box_of(x: float) -> tuple[float, float, float, float]:
    """The box of that face: left, top, width, height."""
    return round(x + 35) // STRIDE * STRIDE - 32, 64, 64, 64


def surface(*outputs: RawOutputs, **more: object) -> Surface:
    return Surface(frames.rgba(FRAME), outputs=outputs, **more)  # type: ignore[arg-type]


def raw(*xs: float, **more: object) -> RawOutputs:
    return RawOutputs(outputs_of(*xs), NETWORK, **more)  # type: ignore[arg-type]


def face(x: float, **more: object) -> Face:
    return Face(None, box_of(x), **more)  # type: ignore[arg-type]


def decoding(
    library: ctypes.CDLL, *, pgie_id: str = "1", threshold: str = "0.5", mode: str = "arcface5"
) -> AbstractContextManager[Library]:
    return opened(library, source="tensor", pgie_id=pgie_id, threshold=threshold, mode=mode)


def prepare(library: ctypes.CDLL, surfaces: list[Surface], faces: list[Face], **configs: str) -> Prepared:
    with decoding(library, **configs) as opened_library:
        return opened_library.prepare(surfaces, faces)


def kept(found: Prepared) -> list[int]:
    """The objects that the tensor holds; those of a batch without a tensor stay as they came."""
    return found.kept if found.status == glue.SUCCESS else []


def assert_crop(native: Native, crop: np.ndarray, x: float, levels: float = 1.001) -> None:
    """Distances from the anchor round a point by a millionth of a pixel, and that a level here and there."""
    apart = np.abs(crop - expected_crop(native, x)) * 127.5
    assert apart.max() <= levels
    assert apart.mean() < levels / 100


def test_the_letterbox_of_these_frames_scales_nothing() -> None:
    assert scales_of(*FRAME_SIZE, *NETWORK) == (1, 1)


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_each_object_gets_the_landmarks_of_its_own_face(
    library: ctypes.CDLL, native: Native, kind: type[np.generic]
) -> None:
    outputs = RawOutputs([values.astype(kind) for values in outputs_of(60, 150)], NETWORK)
    found = prepare(library, [surface(outputs)], [face(150), face(60)])
    assert (found.status, found.faces, found.kept) == (glue.SUCCESS, 2, [0, 1])
    levels = 1.001 if kind is np.float32 else 20  # halves round a point by a hundredth of a pixel
    assert_crop(native, found.tensor[0], 150, levels)
    assert_crop(native, found.tensor[1], 60, levels)


def test_masks_are_not_asked(library: ctypes.CDLL, native: Native) -> None:
    mask = native.mask(landmarks(20).astype(np.float32), *NETWORK)
    found = prepare(library, [surface(raw(60))], [Face(mask, box_of(60))])
    assert_crop(native, found.tensor[0], 60)
    assert prepare(library, [surface(raw())], [Face(mask, box_of(60))]).status == glue.NOT_READY


def test_faces_are_looked_for_in_their_own_frame(library: ctypes.CDLL, native: Native) -> None:
    surfaces = [surface(raw(60)), surface(raw(150), source=1)]
    faces = [face(60, frame=1), face(60), face(150), face(150, frame=1)]
    assert kept(prepare(library, surfaces, faces)) == [1, 3]


def test_objects_that_nobody_has_decoded_are_left_out(
    library: ctypes.CDLL, native: Native, capfd: pytest.CaptureFixture[str]
) -> None:
    beside = Face(None, (box_of(60)[0] + 40, 64, 64, 64))
    faces = [beside, face(60), face(150), face(60, confidence=-0.1), face(60, present=False), face(60, detector=2)]
    assert kept(prepare(library, [surface(raw(60))], faces)) == [1]
    said = capfd.readouterr().err.splitlines()
    assert said == [
        "batchproof: aligner: source=tensor: there are objects of detector 2, which is not pgie-id",
        "batchproof: aligner: 1 faces aligned, 5 without a detection or landmarks; 1 frames decoded",
    ]


def test_a_frame_is_decoded_once_for_all_of_its_faces(
    library: ctypes.CDLL, native: Native, capfd: pytest.CaptureFixture[str]
) -> None:
    surfaces = [surface(raw(60, 150)), surface(raw(60), source=1), surface(raw(60), source=2)]
    with decoding(library) as opened_library:
        for _ in range(2):
            found = opened_library.prepare(surfaces, [face(60), face(150), face(60, frame=1)])
            assert kept(found) == [0, 1, 2]
    assert "6 faces aligned; 4 frames decoded" in capfd.readouterr().err


def test_outputs_are_read_anew_with_every_batch(library: ctypes.CDLL, native: Native) -> None:
    outputs = raw(60)
    with decoding(library) as opened_library:
        assert kept(opened_library.prepare([surface(outputs)], [face(60)])) == [0]
        for values in outputs.values:
            values[...] = 0
        assert opened_library.prepare([surface(outputs)], [face(60)]).status == glue.NOT_READY


def test_outputs_of_other_detectors_are_passed_over(library: ctypes.CDLL, native: Native) -> None:
    other = RawOutputs([np.ones((5, 2), np.float32)], (8, 8), detector=7)
    assert kept(prepare(library, [surface(other, raw(60))], [face(60)])) == [0]
    found = prepare(library, [surface(raw(60), raw(150, detector=3))], [face(150, detector=3)], pgie_id="3")
    assert_crop(native, found.tensor[0], 150)


def test_the_threshold_of_the_options_counts(library: ctypes.CDLL, native: Native) -> None:
    faint = RawOutputs(outputs_of(60, score=0.3), NETWORK)
    assert prepare(library, [surface(faint)], [face(60)]).status == glue.NOT_READY
    assert kept(prepare(library, [surface(faint)], [face(60)], threshold="0.3")) == [0]


def test_faces_may_overlap_as_far_as_the_parser_lets_them(library: ctypes.CDLL, native: Native) -> None:
    """A third of their union is not too much; three fifths are, and the second of two equal scores is gone."""
    found = prepare(library, [surface(raw(60, 92))], [face(60), face(92)])
    assert_crop(native, found.tensor[0], 60)
    assert_crop(native, found.tensor[1], 92)
    assert_crop(native, prepare(library, [surface(raw(60, 76))], [face(76)]).tensor[0], 60)


def test_boxes_need_no_raw_outputs(library: ctypes.CDLL, capfd: pytest.CaptureFixture[str]) -> None:
    assert kept(prepare(library, [surface()], [face(60)], mode="bbox1.5")) == [0]
    assert capfd.readouterr().err == "batchproof: aligner: 1 faces aligned\n"


@pytest.mark.parametrize(
    ("outputs", "complaint"),
    [
        ((), "attaches no raw outputs to its frames: set output-tensor-meta=1"),
        ((raw(60, detector=2),), "attaches no raw outputs to its frames: set output-tensor-meta=1"),
        ((raw(60, symmetric=True),), "must scale with maintain-aspect-ratio=1 and symmetric-padding=0"),
        ((raw(60, aspect_kept=False),), "must scale with maintain-aspect-ratio=1 and symmetric-padding=0"),
        ((raw(60, lost=[0]),), "1 others are no [rows, channels] of FLOAT or HALF on the host"),
        ((raw(60, data_type=3),), "9 others are no [rows, channels] of FLOAT or HALF on the host"),
        ((raw(60, on_host=False),), "there are: none"),
        ((raw(60, described=False),), "there are: none"),
        ((RawOutputs(outputs_of(60)[:6], NETWORK),), "no output is 'kps_32' [160, 10]"),
        ((RawOutputs(outputs_of(60), (640, 640)),), "no output is 'score_8' [12800, 1]"),
        ((RawOutputs(outputs_of(60), (0, 2**32 - 1)),), "the sides of the network are no multiples of 32"),
    ],
)
def test_outputs_that_give_no_landmarks_are_told_once(
    library: ctypes.CDLL, capfd: pytest.CaptureFixture[str], outputs: tuple[RawOutputs, ...], complaint: str
) -> None:
    with decoding(library) as opened_library:
        for _ in range(2):
            assert opened_library.prepare([surface(*outputs)], [face(60)] * 2).status == glue.NOT_READY
    said = capfd.readouterr().err
    assert said.count("source=tensor: detector 1") == 1
    assert complaint in said
    assert "4 without a detection or landmarks" in said


def test_headers_without_padding_are_believed_about_the_aspect_ratio(library: ctypes.CDLL) -> None:
    assert library.glue_letterboxed_before_padding(1)
    assert not library.glue_letterboxed_before_padding(0)
