from __future__ import annotations

import numpy as np

from batchproof.pipeline.warp import inverted, warp
from tests.pipeline.tiny_scrfd import picture


def test_each_picture_is_mapped_by_its_own_matrix() -> None:
    pictures = [picture(40, 50), picture(60, 30, 1)]
    matrices = np.array([[[1.0, 0, -3], [0, 1, -4]], [[1, 0, 5], [0, 1, 0]]])
    first, second = warp(pictures, matrices, 20)
    np.testing.assert_array_equal(first, pictures[0][4:24, 3:23])
    np.testing.assert_array_equal(second[:, 5:], pictures[1][:20, :15])
    assert (second[:, :5] == 0).all()


def test_there_and_back_again() -> None:
    matrices = np.random.default_rng(0).standard_normal((4, 2, 3))
    points = np.random.default_rng(1).standard_normal((4, 7, 2))
    there = points @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]
    back = inverted(matrices)
    np.testing.assert_allclose(there @ back[:, :, :2].transpose(0, 2, 1) + back[:, None, :, 2], points, atol=1e-12)
