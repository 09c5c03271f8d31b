from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batchproof.deploy.triton.serving.frames import pictures_of
from batchproof.deploy.triton.serving.parameters import Parameters
from batchproof.errors import InputError

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 24, 32, 3), np.uint8)
SMALL = Parameters(max_megapixels=1)


def files(*contents: bytes) -> NDArray[Any]:
    return np.array([[content] for content in contents], np.object_)


def png(pixels: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])


def test_frames_are_taken_as_they_are() -> None:
    found = pictures_of(FRAMES, None, Parameters())
    assert len(found) == 2
    assert all(np.shares_memory(picture, FRAMES) for picture in found)


def test_files_are_decoded_each_in_its_size() -> None:
    found = pictures_of(None, files(png(FRAMES[0]), png(FRAMES[1, :9])), Parameters())
    np.testing.assert_array_equal(found[0], FRAMES[0])
    np.testing.assert_array_equal(found[1], FRAMES[1, :9])


@pytest.mark.parametrize(
    ("frame", "image", "sentence"),
    [
        (FRAMES, files(b"x"), "the request has two inputs. Send either 'frame', BGR pixels"),
        (None, None, "the request has no input. Send either 'frame', BGR pixels"),
        (FRAMES[:, :0], None, "frame 0: no picture"),
        (np.zeros((1, 1001, 1000, 3), np.uint8), None, "frame 0: 1000x1001 is more than 1 megapixels"),
        (np.zeros((1, 5000, 1, 3), np.uint8), None, "frame 0: a picture of 1x5000 pixels leaves nothing"),
        (None, files(png(FRAMES[0]), b"x"), "image 1: not a readable picture"),
        (None, files(png(np.zeros((1001, 1000, 3), np.uint8))), "image 0: 1000x1001 is more than 1 megapixels"),
        (None, files(png(np.zeros((5000, 1, 3), np.uint8))), "image 0: a picture of 1x5000 pixels leaves nothing"),
    ],
)
def test_what_cannot_be_used_is_named(frame: NDArray[Any] | None, image: NDArray[Any] | None, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        pictures_of(frame, image, SMALL)
    assert caught.value.line().startswith(sentence)
