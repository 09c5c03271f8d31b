from __future__ import annotations

import numpy as np

from batchproof.deploy.triton.rehearsal.crowd import crowd
from batchproof.pipeline.pictures import Picture

PICTURES = [
    Picture("wide", np.random.default_rng(1).integers(0, 256, (400, 3000, 3)).astype(np.uint8)),
    Picture("one pixel", np.full((1, 1, 3), 7, np.uint8)),
]


def test_no_two_are_alike_and_all_are_the_same_every_time() -> None:
    first, again = crowd(PICTURES[:1], 12), crowd(PICTURES[:1], 12)
    assert len({(picture.pixels.shape, picture.pixels.tobytes()) for picture in first}) == 12
    assert [picture.name for picture in first] == [f"wide, part {index}" for index in range(12)]
    assert all((one.pixels == other.pixels).all() for one, other in zip(first, again, strict=True))


def test_parts_are_of_a_size_that_travels() -> None:
    for picture in crowd(PICTURES, 40):
        assert picture.pixels.dtype == np.uint8
        assert picture.pixels.flags.c_contiguous
        assert 1 <= max(picture.pixels.shape[:2]) <= 1600
