from __future__ import annotations

import warnings

import numpy as np
import pytest
import skimage.transform
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchproof.errors import InputError
from batchproof.pipeline.align import arcface_template, norm_crop, norm_crops, similarities
from tests.pipeline.tiny_scrfd import picture

POINTS = arrays(np.float64, (5, 2), elements=st.floats(-500, 500))


def scattered_faces(random: np.random.Generator, count: int) -> np.ndarray:
    """Landmarks `[count, 5, 2]`, float32: the template at any place and scale, every landmark moved."""
    places, scales = random.uniform(0, 300, (count, 1, 2)), random.uniform(0.1, 4, (count, 1, 1))
    noise = random.standard_normal((count, 5, 2)) * 6
    found: np.ndarray = (arcface_template(112) * scales + places + noise).astype(np.float32)
    return found


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
    np.testing.assert_allclose(similarities(source[None], target)[0], expected, rtol=0, atol=1e-9 * (1 + 500 * size))


@given(angle=st.floats(-3, 3), scale=st.floats(0.05, 20), shift=st.tuples(st.floats(-900, 900), st.floats(-900, 900)))
def test_finds_the_similarity_that_moved_the_points(angle: float, scale: float, shift: tuple[float, float]) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = arcface_template(112).astype(np.float64)
    found = similarities(source[None], source @ turn.T + shift)[0]
    np.testing.assert_allclose(found, np.column_stack([turn, shift]), atol=1e-8)


def test_mirrored_faces_are_turned_but_never_mirrored() -> None:
    mirrored = arcface_template(112) * [-1, 1]
    found = similarities(mirrored[None], arcface_template(112))[0]
    expected = umeyama(mirrored, arcface_template(112))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.linalg.det(found[:, :2]) > 0


@pytest.mark.parametrize("size", [112, 128, 224, 256])
def test_crops_of_a_batch_are_those_of_insightface_to_the_bit(size: int) -> None:
    pictures = [picture(300, 400), picture(200, 150, 1), picture(500, 90, 2)]
    random = np.random.default_rng(5)
    keypoints = [scattered_faces(random, count) for count in (3, 0, 2)]
    found = norm_crops(pictures, keypoints, size)
    expected = [
        insightface_norm_crop(pixels, face, size)
        for pixels, faces in zip(pictures, keypoints, strict=True)
        for face in faces
    ]
    assert found.shape == (5, size, size, 3)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(norm_crop(pictures[2], keypoints[2][1], size), expected[4])


def test_matrices_of_many_faces_are_those_of_insightface_to_the_bit() -> None:
    faces = scattered_faces(np.random.default_rng(6), 300)
    found = similarities(faces, arcface_template(112))
    assert found.shape == (300, 2, 3)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [umeyama(face, arcface_template(112)) for face in faces])


def test_landmarks_on_one_line_are_turned_as_insightface_turns_them() -> None:
    steps = np.arange(5, dtype=np.float32)
    lines = np.stack([np.stack([steps * x + 3, steps * y], axis=1) for x, y in ((2, 0), (0, 1), (-4, 0), (0, -8))])
    target = np.stack([steps, np.zeros(5, np.float32)], axis=1)
    np.testing.assert_array_equal(similarities(lines, target), [umeyama(line, target) for line in lines])


def test_no_faces_give_no_crops() -> None:
    assert norm_crops([], [], 112).shape == (0, 112, 112, 3)
    assert norm_crops([picture(20, 20)], [np.empty((0, 5, 2), np.float32)], 112).shape == (0, 112, 112, 3)


def test_outside_the_picture_is_black() -> None:
    white = np.full((60, 112, 3), 255, np.uint8)
    crop = norm_crop(white, arcface_template(112))
    assert (crop[:60] == 255).all()
    assert (crop[61:] == 0).all()


@pytest.mark.parametrize("points", [np.ones((5, 2)), np.full((5, 2), np.nan)])
def test_landmarks_without_extent_are_refused(points: np.ndarray) -> None:
    faces = np.stack([arcface_template(112), points])
    with pytest.raises(InputError, match="landmarks of face 1 coincide or are not finite and cannot be aligned"):
        norm_crops([picture(50, 50)], [faces])


@pytest.mark.parametrize("size", [0, -112, 100, 160])
def test_sizes_without_a_template_are_refused(size: int) -> None:
    with pytest.raises(InputError, match=f"no alignment template for crops of {size} pixels"):
        arcface_template(size)
