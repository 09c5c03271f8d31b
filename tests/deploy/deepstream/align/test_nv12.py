from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchproof.pipeline.align import arcface_template
from tests.deploy.deepstream.align import frames
from tests.deploy.deepstream.align.faces import Scene, cosines, embedder
from tests.deploy.deepstream.align.frames import Format, FrameBuffer
from tests.deploy.deepstream.align.native import Native
from tests.deploy.deepstream.align.test_warp import IDENTITY, shifted

# Y, Cb and Cr of the colour bars at full strength, from the tables of the recommendations.
BARS: dict[Format, dict[tuple[int, int, int], tuple[int, int, int]]] = {
    "nv12": {(255, 0, 0): (81, 90, 240), (0, 255, 0): (145, 54, 34), (0, 0, 255): (41, 240, 110)},
    "nv12_709": {(255, 0, 0): (63, 102, 240), (0, 255, 0): (173, 42, 26), (0, 0, 255): (32, 240, 118)},
    "nv12_er": {(255, 0, 0): (76, 85, 255), (0, 255, 0): (150, 44, 21), (0, 0, 255): (29, 255, 107)},
    "nv12_709_er": {(255, 0, 0): (54, 99, 255), (0, 255, 0): (182, 30, 12), (0, 0, 255): (18, 255, 116)},
}


def constant(variant: Format, luma: int, blue: int, red: int, side: int = 8) -> FrameBuffer:
    pixels, pitch = frames.pitched(np.full((side, side), luma, np.uint8))
    chroma = np.tile(np.array([blue, red], np.uint8), (side // 2, side // 2))
    return FrameBuffer(variant, side, side, pixels, pitch, frames.pitched(chroma, pitch)[0])


@pytest.mark.parametrize("variant", frames.NV12)
def test_colour_bars_have_their_colours(native: Native, variant: Format) -> None:
    for (red, green, blue), coded in BARS[variant].items():
        crop = native.crops(constant(variant, *coded), IDENTITY, 8)[0]
        np.testing.assert_allclose(crop, np.broadcast_to([blue, green, red], crop.shape), atol=3)


@pytest.mark.parametrize(("variant", "black", "white"), [("nv12", 16, 235), ("nv12_709_er", 0, 255)])
def test_black_and_white_are_where_the_range_has_them(native: Native, variant: Format, black: int, white: int) -> None:
    assert (native.crops(constant(variant, black, 128, 128), IDENTITY, 8) == 0).all()
    assert (native.crops(constant(variant, white, 128, 128), IDENTITY, 8) == 255).all()


@pytest.mark.parametrize("variant", frames.NV12)
def test_the_border_of_a_frame_fades_to_black(native: Native, variant: Format) -> None:
    white = constant(variant, 255 if variant.endswith("_er") else 235, 128, 128, side=4)
    crop = native.crops(white, shifted(-1.25, -1), 7)[0, ..., 0]
    np.testing.assert_array_equal(crop[2], [0, 191, 255, 255, 255, 64, 0])
    assert (crop[[0, 5, 6]] == 0).all()


def test_chroma_lies_on_even_columns_and_between_rows(native: Native) -> None:
    """Saturation grows from column to column and from row to row; interpolated where it lies, it is a plane."""
    side = 16
    blue = 128 + 2 * np.arange(0, side, 2)[None] + 4 * (np.arange(0, side, 2)[:, None] + 0.5)
    chroma = np.stack([blue, np.full_like(blue, 128)], axis=2).astype(np.uint8).reshape(side // 2, -1)
    pixels, pitch = frames.pitched(np.full((side, side), 60, np.uint8))
    frame = FrameBuffer("nv12_er", side, side, pixels, pitch, frames.pitched(chroma, pitch)[0])
    found = native.crops(frame, IDENTITY, side)[0, ..., 0].astype(float)
    rows, columns = np.mgrid[:side, :side]
    expected = np.clip(60 + 1.772 * (2 * columns + 4 * rows), 0, 255)
    inner = np.s_[1:-1, :-2]
    np.testing.assert_allclose(found[inner], expected[inner], atol=0.51)


@pytest.mark.parametrize("shape", [(7, 9), (1, 1), (2, 3)])
def test_odd_frames_have_chroma_for_their_last_column_and_row(native: Native, shape: tuple[int, int]) -> None:
    red = np.zeros((*shape, 3), np.uint8)
    red[..., 2] = 200
    crop = native.crops(frames.nv12(red, "nv12_er"), IDENTITY, 9)[0]
    np.testing.assert_allclose(crop[: shape[0], : shape[1]], red, atol=2)


@pytest.mark.parametrize("variant", frames.NV12)
def test_grey_levels_survive(native: Native, variant: Format) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    grey = np.repeat(levels[..., None], 3, axis=2)
    crop = native.crops(frames.nv12(grey, variant), IDENTITY, 16)[0]
    np.testing.assert_allclose(crop, grey, atol=0 if variant.endswith("_er") else 1)


def test_faces_of_video_are_those_of_the_picture(
    native: Native, faces: list[Scene], test_data: Path, tmp_path: Path
) -> None:
    network = embedder(test_data / "models", tmp_path)
    for scene in faces:
        keypoints = scene.keypoints[:30]  # all of them are in the report; networks take their time
        matrices = [native.similarity(points, arcface_template(112)) for points in keypoints]
        back = np.array([native.invert(matrix) for matrix in matrices if matrix is not None])
        expected = native.crops(frames.rgba(scene.picture), back)
        found = native.crops(frames.nv12(scene.picture, "nv12_709"), back)
        apart = np.abs(found.astype(int) - expected)
        assert (apart.max() <= 24) & (apart.mean() < 0.8), scene.name
        assert cosines(network, found, expected).min() > 0.997, scene.name
