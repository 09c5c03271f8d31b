from __future__ import annotations

import numpy as np
import pytest

from batchproof.errors import InputError
from batchproof.pipeline.picture import check_picture


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((4, 5), np.uint8), r"uint8 array of shape \[4, 5\].*COLOR_GRAY2BGR"),
        (np.zeros((4, 5, 1), np.uint8), r"\[4, 5, 1\].*COLOR_GRAY2BGR"),
        (np.zeros((4, 5, 4), np.uint8), r"\[4, 5, 4\].*alpha is dropped by frame\[\.\.\., :3\]"),
        (np.zeros((4, 5, 3), np.uint16), r"uint16 array.*\(frame >> 8\)"),
        (np.zeros((4, 5), np.uint16), r"uint16 array.*\(frame >> 8\)"),
        (np.zeros((4, 5, 3), np.float32), r"float32 array.*Give BGR pixels as a uint8 array"),
        (np.zeros((0, 5, 3), np.uint8), r"\[0, 5, 3\].*Give BGR pixels as a uint8 array \[height, width, 3\]\.$"),
        (None, "no picture: a NoneType"),
        ("t1.jpg", "no picture: a str"),
    ],
)
def test_what_is_no_picture_is_named_with_what_to_do(picture: object, message: str) -> None:
    with pytest.raises(InputError, match=f"^frame 7: no picture: .*{message.removeprefix('no picture: ')}"):
        check_picture(picture, where="frame 7")


def test_any_size_is_a_picture() -> None:
    for shape in ((1, 1, 3), (1, 9000, 3), (9000, 1, 3)):
        check_picture(np.zeros(shape, np.uint8))
