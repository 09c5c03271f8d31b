from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproof.pipeline.embed import normalised
from face_record import FaceRecord, frame_landmarks, nvinfer_letterbox, shortened, unit
from gallery import Match
from tests.deploy.deepstream.align.native import BUNDLE
from tests.deploy.deepstream.app.known import known
from tests.deploy.deepstream.app.shim import Shim

SIDE = st.integers(1, 9000)
NETWORK = st.sampled_from([320, 480, 640, 1280])
POINTS = np.array([[100, 90], [160, 92], [130, 120], [108, 150], [152, 151]], np.float32)
BOX = np.array([1.5, 2.25, 30.1, 40.7], np.float32)


@given(width=SIDE, height=SIDE, network_width=NETWORK, network_height=NETWORK)
def test_the_letterbox_is_the_aligners(
    shim: Shim, width: int, height: int, network_width: int, network_height: int
) -> None:
    expected = shim.letterbox((width, height), (network_width, network_height))
    assert nvinfer_letterbox(width, height, network_width, network_height) == expected


def test_landmarks_are_mapped_to_the_frame(shim: Shim) -> None:
    mask = shim.mask(POINTS, network=(640, 640))
    landmarks = known(frame_landmarks(mask, 1920, 1080))
    assert landmarks.dtype == np.float32
    np.testing.assert_array_equal(landmarks, POINTS * 3)


def test_each_axis_has_its_own_scale(shim: Shim) -> None:
    landmarks = known(frame_landmarks(shim.mask(POINTS), 1366, 768))
    np.testing.assert_allclose(landmarks, POINTS * [1366 / 640, 768 / 359], rtol=1e-6)


@pytest.mark.parametrize(("index", "value"), [(15, 0), (16, np.nan), (15, 70000), (17, 112), (0, np.nan), (13, np.inf)])
def test_a_mask_of_other_contents_has_no_landmarks(shim: Shim, index: int, value: float) -> None:
    mask = shim.mask(POINTS).ravel()
    assert frame_landmarks(mask, 640, 640) is not None
    mask[index] = value
    assert frame_landmarks(mask, 640, 640) is None


@pytest.mark.parametrize("size", [0, 19, 21, 784])
def test_a_mask_of_another_size_has_no_landmarks(size: int) -> None:
    assert frame_landmarks(np.full(size, 112.0625, np.float32), 640, 640) is None


def test_a_frame_without_extent_has_no_landmarks(shim: Shim) -> None:
    assert frame_landmarks(shim.mask(POINTS), 1, 640) is None


def test_embeddings_get_the_length_that_the_pipeline_gives_them() -> None:
    raw = np.random.default_rng(0).normal(scale=9, size=(5, 512)).astype(np.float32)
    for values, expected in zip(raw, normalised(raw), strict=True):
        np.testing.assert_allclose(known(unit(values)), expected, rtol=0, atol=1e-7)
        np.testing.assert_allclose(known(unit(values.astype(np.float16))), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_what_has_no_direction_is_no_embedding(value: float) -> None:
    assert unit(np.full(4, value, np.float32)) is None


def test_a_length_beyond_float32_is_none_the_less_one() -> None:
    np.testing.assert_allclose(known(unit(np.full(4, 3e38, np.float32))), 0.5)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_bit_of_a_float32(number: float) -> None:
    assert np.float32(shortened(number)) == np.float32(number)


def test_the_line_holds_everything() -> None:
    embedding = np.array([0.6, -0.8], np.float32)
    matches = (Match("Ada\u2028L\u00f6w", 0.7),)
    record = FaceRecord(3, 17, 40_000_000, 5, 0.87, BOX, POINTS, embedding, matches)
    line = record.line(with_embedding=True)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {
        "stream": 3,
        "frame": 17,
        "time_ns": 40_000_000,
        "track": 5,
        "score": 0.87,
        "box": [1.5, 2.25, 30.1000004, 40.7000008],
        "landmarks": POINTS.tolist(),
        "embedding": [0.600000024, -0.800000012],
        "matches": [{"name": "Ada\u2028L\u00f6w", "cosine": 0.7}],
    }


def test_the_readme_describes_every_key_of_a_line() -> None:
    text = (BUNDLE / "app" / "README.md").read_text(encoding="utf-8")
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    record = FaceRecord(0, 0, 0, None, None, BOX)
    assert list(example) == list(json.loads(record.line(with_embedding=True)))
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert [key for row in rows for key in row.replace("`", "").replace(",", " ").split()] == list(example)


def test_what_is_not_known_is_null_and_embeddings_are_wanted() -> None:
    record = FaceRecord(0, 1, 2, None, None, BOX)
    assert json.loads(record.line()) == {
        **{"stream": 0, "frame": 1, "time_ns": 2, "track": None, "score": None},
        **{"box": [1.5, 2.25, 30.1000004, 40.7000008], "landmarks": None, "matches": None},
    }
    assert json.loads(record.line(with_embedding=True))["embedding"] is None
    nobody = FaceRecord(0, 1, 2, None, None, BOX, matches=())
    assert json.loads(nobody.line())["matches"] == []
