from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproof.pipeline.upright import upright_crops, upright_matrices
from tests.deploy.deepstream.align import frames
from tests.deploy.deepstream.align.faces import Scene
from tests.deploy.deepstream.align.native import Native
from tests.deploy.deepstream.align.test_warp import assert_same_as_opencv
from tests.pipeline.test_upright import CORNER, SIDE


@given(left=CORNER, top=CORNER, width=SIDE, height=SIDE, size=st.sampled_from([96, 192]))
def test_the_matrix_is_that_of_insightface_to_the_bit(
    native: Native, left: float, top: float, width: float, height: float, size: int
) -> None:
    box = np.array([left, top, left + width, top + height], np.float32)
    np.testing.assert_array_equal(native.upright(box, size), upright_matrices(box[None], size)[0])


@pytest.mark.parametrize("box", [[5, 5, 5, 5], [9, 9, 1, 2], [0, 0, np.nan, np.nan]])
def test_a_box_without_extent_has_no_crop(native: Native, box: list[float]) -> None:
    assert native.upright(np.array(box, np.float32), 96) is None


@pytest.mark.parametrize("size", [96, 192])
def test_crops_of_all_real_faces_are_those_of_the_pipeline(native: Native, faces: list[Scene], size: int) -> None:
    for scene in faces:
        height, width = scene.picture.shape[:2]
        placed = [native.place(box, None, (width, height), size=size, box_mode=True) for box in scene.boxes]
        assert {outcome for outcome, _ in placed} == {"aligned"}
        found = native.crops(frames.rgba(scene.picture), np.array([matrix for _, matrix in placed]), size)
        expected, _ = upright_crops([scene.picture], [scene.boxes], size)
        assert_same_as_opencv(found, expected, scene.name)
