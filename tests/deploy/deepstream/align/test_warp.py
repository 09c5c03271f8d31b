from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproof.pipeline.align import arcface_template, similarities
from batchproof.pipeline.blob import to_blob
from batchproof.zoo.families import arcface, scrfd
from batchproof.zoo.spec import InputSpec
from tests.deploy.deepstream.align import frames
from tests.deploy.deepstream.align.faces import Scene
from tests.deploy.deepstream.align.native import Native
from tests.pipeline.test_align import insightface_norm_crop, scattered_faces
from tests.pipeline.tiny_scrfd import picture

IDENTITY = np.array([[[1, 0, 0], [0, 1, 0]]], np.float64)
# Grey levels, at most and on average: OpenCV 4 rounds coordinates to 1/32 of a pixel, OpenCV 5 does not.
TOLERANCE = (1, 0.002) if int(cv2.__version__.split(".")[0]) >= 5 else (8, 0.5)


def assert_same_as_opencv(found: np.ndarray, expected: np.ndarray, name: str = "") -> None:
    apart = np.abs(found.astype(int) - expected)
    assert apart.max() <= TOLERANCE[0], name
    assert apart.mean() <= TOLERANCE[1], name


def shifted(x: float, y: float) -> np.ndarray:
    """The map of one crop whose first pixel is that place of the frame."""
    return np.array([[[1, 0, x], [0, 1, y]]], np.float64)


def aligned(native: Native, pixels: np.ndarray, keypoints: np.ndarray, size: int) -> np.ndarray:
    matrices = [native.similarity(points, arcface_template(size)) for points in keypoints]
    back = [native.invert(matrix) for matrix in matrices if matrix is not None]
    return native.crops(frames.rgba(pixels), np.array(back), size)


@pytest.mark.parametrize("size", [112, 128, 224])
def test_crops_of_noise_are_those_of_insightface(native: Native, size: int) -> None:
    pixels, keypoints = picture(300, 401), scattered_faces(np.random.default_rng(5), 20)
    expected = np.array([insightface_norm_crop(pixels, face, size) for face in keypoints])
    found = aligned(native, pixels, keypoints, size)
    # Noise is the worst picture there is: twice what real ones are allowed.
    apart = np.abs(found.astype(int) - expected)
    assert apart.max() <= max(2, 2 * TOLERANCE[0])
    assert apart.mean() <= 10 * TOLERANCE[1]


def test_crops_of_all_real_faces_are_those_of_insightface(native: Native, faces: list[Scene]) -> None:
    for scene in faces:
        expected = np.array([insightface_norm_crop(scene.picture, face, 112) for face in scene.keypoints])
        assert_same_as_opencv(aligned(native, scene.picture, scene.keypoints, 112), expected, scene.name)


def test_whole_pixels_are_taken_as_they_are(native: Native) -> None:
    pixels = picture(40, 50)
    crop = native.crops(frames.rgba(pixels), shifted(7, 5), 32)[0]
    np.testing.assert_array_equal(crop, pixels[5:37, 7:39])


def test_outside_the_frame_is_black_and_its_border_fades(native: Native) -> None:
    white = np.full((4, 4, 3), 255, np.uint8)
    halfway = native.crops(frames.rgba(white), shifted(-1.25, -1), 7)[0, ..., 0]
    faded = [0, 191, 255, 255, 255, 64, 0]
    np.testing.assert_array_equal(halfway, [[0] * 7, *[faded] * 4, [0] * 7, [0] * 7])


@pytest.mark.parametrize("spec", [arcface().input, scrfd().input, InputSpec(112, 112, 0.0, 1.0)])
@pytest.mark.parametrize("bgr", [False, True])
def test_the_tensor_is_the_blob_of_the_crop_to_the_bit(native: Native, spec: InputSpec, bgr: bool) -> None:
    pixels = picture(200, 180)
    keypoints = scattered_faces(np.random.default_rng(9), 3)
    back = np.linalg.inv(np.insert(similarities(keypoints, arcface_template(112)), 2, [0, 0, 1], axis=1))[:, :2]
    crops = native.crops(frames.rgba(pixels), back)
    ordered = InputSpec(112, 112, spec.mean, spec.std, colour="BGR" if bgr else "RGB")
    found = native.warp(frames.rgba(pixels), back, mean=spec.mean, std=spec.std, bgr=bgr)
    np.testing.assert_array_equal(found, to_blob(crops, ordered))


@given(level=st.integers(0, 255), x=st.floats(-3, 8), y=st.floats(-3, 8), scale=st.floats(0.01, 3))
def test_a_frame_of_one_colour_stays_so_inside(native: Native, level: int, x: float, y: float, scale: float) -> None:
    grey = np.full((6, 6, 3), level, np.uint8)
    to_frame = np.array([[[scale, 0, x], [0, scale, y]]])
    crop = native.crops(frames.rgba(grey), to_frame, 8)[0, ..., 0]
    columns, rows = x + scale * np.arange(8), y + scale * np.arange(8)
    inside = np.ix_((rows >= 0) & (rows <= 5), (columns >= 0) & (columns <= 5))
    outside = (rows <= -1) | (rows >= 6)
    assert (crop[inside] == level).all()
    assert (crop[outside] == 0).all()
    assert crop.max() <= level


def test_rows_shorter_than_the_width_are_refused(native: Native) -> None:
    frame = frames.rgba(picture(10, 10))
    narrow = frames.FrameBuffer("rgba", 10, 10, frame.pixels, 39)
    assert native.warp(narrow, IDENTITY, 8) is None
