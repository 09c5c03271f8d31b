from __future__ import annotations

import warnings

import numpy as np
import pytest
import skimage.transform
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchproof.errors import InputError
from batchproof.pipeline.align import arcface_template, norm_crop, similarity
from tests.pipeline.tiny_scrfd import picture

POINTS = arrays(np.float64, (5, 2), elements=st.floats(-500, 500))


def insightface_norm_crop(picture: np.ndarray, keypoints: np.ndarray, size: int) -> np.ndarray:
    from insightface.utils import face_align

    with warnings.catch_warnings():
        # insightface 2.1 calls an estimator that scikit-image 0.26 announced the end of.
        warnings.simplefilter("ignore", FutureWarning)
        crop: np.ndarray = face_align.norm_crop(picture, keypoints, image_size=size)
    return crop


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The way insightface 2.1 calls scikit-image, which 0.26 and later announce the end of."""
    transform = skimage.transform.SimilarityTransform()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        transform.estimate(source, target)
    matrix: np.ndarray = transform.params[:2]
    return matrix


@given(source=POINTS, target=POINTS)
def test_equals_umeyama_of_scikit_image(source: np.ndarray, target: np.ndarray) -> None:
    # Nearly coinciding points leave the rotation to rounding, in both implementations.
    assume(np.ptp(source, axis=0).max() > 1)
    covariance = (target - target.mean(axis=0)).T @ (source - source.mean(axis=0))
    strengths = np.linalg.svd(covariance, compute_uv=False)
    assume(strengths[0] - strengths[1] > 1e-3 * strengths[0] > 0)
    expected = umeyama(source, target)
    size = np.abs(expected[:, :2]).max()
    np.testing.assert_allclose(similarity(source, target), expected, rtol=0, atol=1e-7 * (1 + 500 * size))


@given(angle=st.floats(-3, 3), scale=st.floats(0.05, 20), shift=st.tuples(st.floats(-900, 900), st.floats(-900, 900)))
def test_finds_the_similarity_that_moved_the_points(angle: float, scale: float, shift: tuple[float, float]) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = arcface_template(112)
    found = similarity(source, source @ turn.T + shift)
    np.testing.assert_allclose(found, np.column_stack([turn, shift]), atol=1e-8)


def test_mirrored_faces_are_turned_but_never_mirrored() -> None:
    mirrored = arcface_template(112) * [-1, 1]
    found = similarity(mirrored, arcface_template(112))
    expected = umeyama(mirrored, arcface_template(112))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.linalg.det(found[:, :2]) > 0


@pytest.mark.parametrize("size", [112, 128, 224, 256])
def test_the_crop_is_that_of_insightface(size: int) -> None:
    pixels = picture(300, 400)
    keypoints = (arcface_template(112) * 1.7 + [90, 40] + np.eye(5, 2) * 9).astype(np.float32)
    found, expected = norm_crop(pixels, keypoints, size), insightface_norm_crop(pixels, keypoints, size)
    assert found.shape == (size, size, 3)
    # insightface solves in float32 (matrix off by up to 1e-4), which moves hard edges by a level or two.
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 3
    assert (difference > 0).mean() < 0.01


def test_outside_the_picture_is_black() -> None:
    white = np.full((60, 112, 3), 255, np.uint8)
    crop = norm_crop(white, arcface_template(112))
    assert (crop[:60] == 255).all()
    assert (crop[61:] == 0).all()


@pytest.mark.parametrize("points", [np.ones((5, 2)), np.full((5, 2), np.nan)])
def test_landmarks_without_extent_are_refused(points: np.ndarray) -> None:
    with pytest.raises(InputError, match="cannot be aligned"):
        norm_crop(picture(50, 50), points)


@pytest.mark.parametrize("size", [0, -112, 100, 160])
def test_sizes_without_a_template_are_refused(size: int) -> None:
    with pytest.raises(InputError, match=f"no alignment template for crops of {size} pixels"):
        arcface_template(size)
