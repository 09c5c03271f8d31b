from __future__ import annotations

import numpy as np
import pytest

from batchproof.errors import InputError
from batchproof.surgery.raw_input import RawInput

BLUE, GREEN, RED = 10, 20, 30
PICTURES = [np.full((2, 4, 3), (BLUE, GREEN, RED), np.uint8)] * 5


def test_a_picture_as_a_camera_gives_it_stays_as_it_is() -> None:
    fed = RawInput("uint8", "NHWC", "BGR").feed(PICTURES)
    assert (fed.shape, str(fed.dtype), fed[0, 0, 0].tolist()) == ((5, 2, 4, 3), "uint8", [BLUE, GREEN, RED])


def test_axes_and_colours_and_type_are_those_asked_for() -> None:
    fed = RawInput("float32", "NCHW", "RGB").feed(PICTURES)
    assert (fed.shape, str(fed.dtype), fed[0, :, 0, 0].tolist()) == ((5, 3, 2, 4), "float32", [RED, GREEN, BLUE])
    assert fed.flags.c_contiguous


def test_it_is_written_as_in_the_metadata() -> None:
    assert str(RawInput("float32", "NCHW", "RGB")) == "float32 NCHW RGB"


def test_it_is_read_as_it_is_written_on_a_command_line() -> None:
    assert RawInput.parse("float32,NCHW,RGB") == RawInput("float32", "NCHW", "RGB")


@pytest.mark.parametrize("text", ["", "uint8", "uint8,NHWC", "uint8,NHWC,BGR,x", "int8,NHWC,BGR", "uint8 NHWC BGR"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"describes no raw input\. Write .* for example uint8,NHWC,BGR"):
        RawInput.parse(text)
