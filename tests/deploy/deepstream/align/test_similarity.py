from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproof.errors import InputError
from batchproof.pipeline.align import arcface_template, similarities
from tests.deploy.deepstream.align.faces import Scene
from tests.deploy.deepstream.align.native import Native
from tests.pipeline.test_align import scattered_faces


def corners_of(matrices: np.ndarray, size: int) -> np.ndarray:
    """Where in the frame the corners of the crops lie, `[n, 3, 4]`, homogeneous."""
    square = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1.0]]).T
    whole = np.concatenate([matrices, np.broadcast_to([[[0.0, 0, 1]]], (len(matrices), 1, 3))], axis=1)
    found: np.ndarray = np.linalg.inv(whole) @ square
    return found


def estimated(native: Native, keypoints: np.ndarray, size: int) -> np.ndarray:
    matrices = [native.similarity(points, arcface_template(size)) for points in keypoints]
    assert all(matrix is not None for matrix in matrices)
    return np.array(matrices)


@pytest.mark.parametrize("size", range(-128, 1025, 16))
def test_the_template_is_that_of_insightface(native: Native, size: int) -> None:
    try:
        expected = arcface_template(size)
    except InputError:
        assert native.template(size) is None
    else:
        np.testing.assert_array_equal(native.template(size), expected)


@pytest.mark.parametrize("size", [112, 256])
def test_matrices_are_those_of_insightface(native: Native, size: int) -> None:
    keypoints = scattered_faces(np.random.default_rng(7), 300)
    expected = similarities(keypoints, arcface_template(size))
    found = estimated(native, keypoints, size)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)
    placed = found @ corners_of(expected, size)
    np.testing.assert_allclose(placed, (expected @ corners_of(expected, size)), rtol=0, atol=1e-3)


def test_matrices_of_all_real_faces_are_those_of_insightface(native: Native, faces: list[Scene]) -> None:
    """Up to the rounding of its float32: where that is taken away, nothing is left."""
    for scene in faces:
        found = estimated(native, scene.keypoints, 112)
        expected = similarities(scene.keypoints, arcface_template(112))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3, err_msg=scene.name)
        corners = corners_of(expected, 112)
        np.testing.assert_allclose(found @ corners, expected @ corners, rtol=0, atol=1e-3, err_msg=scene.name)
        exact = similarities(scene.keypoints.astype(np.float64), arcface_template(112).astype(np.float64))
        np.testing.assert_allclose(found, exact, rtol=0, atol=1e-9, err_msg=scene.name)


def test_mirrored_faces_are_turned_as_umeyama_turns_them(native: Native) -> None:
    keypoints = scattered_faces(np.random.default_rng(8), 50).astype(np.float64) * [-1, 1]
    expected = similarities(keypoints, arcface_template(112).astype(np.float64))
    np.testing.assert_allclose(estimated(native, keypoints, 112), expected, rtol=0, atol=1e-9)


@given(
    angle=st.floats(-3, 3), scale=st.floats(0.05, 20), shift=st.tuples(st.floats(-9000, 9000), st.floats(-9000, 9000))
)
def test_the_way_back_undoes_the_similarity(
    native: Native, angle: float, scale: float, shift: tuple[float, float]
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    template = arcface_template(112).astype(np.float64)
    found = native.similarity(template @ turn.T + shift, template)
    assert found is not None
    back = native.invert(found)
    assert back is not None
    np.testing.assert_allclose(back, np.column_stack([turn, shift]), rtol=0, atol=1e-7)


@pytest.mark.parametrize("points", [np.ones((5, 2)), np.full((5, 2), np.nan), np.full((5, 2), np.inf)])
def test_points_without_extent_have_no_similarity(native: Native, points: np.ndarray) -> None:
    assert native.similarity(points, arcface_template(112)) is None


@pytest.mark.parametrize(
    "matrix",
    [
        [[0, 0, 3], [0, 0, 4]],
        [[np.nan, 0, 1], [0, 1, 1]],
        [[1, 0, np.inf], [0, 1, 1]],
        [[1e-320, 0, 0], [0, 1, 0]],
        [[1e-10, 0, 1e300], [0, 1e-10, 0]],
        [[1e-10, 0, 0], [0, 1e-10, 1e300]],
    ],
)
def test_what_cannot_be_undone_in_finite_numbers_is_said(native: Native, matrix: list[list[float]]) -> None:
    assert native.invert(np.array(matrix, np.float64)) is None
