from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchproof.errors import InputError
from batchproof.pipeline.blob import to_blob
from batchproof.zoo.spec import InputSpec

EVERY_VALUE = np.random.default_rng(0).permutation(np.arange(768, dtype=np.uint16) % 256).astype(np.uint8)


def input_spec(mean: float = 127.5, std: float = 128.0, size: int | None = None) -> InputSpec:
    return InputSpec(height=size, width=size, mean=mean, std=std)


@pytest.mark.parametrize(("mean", "std"), [(127.5, 128.0), (127.5, 127.5), (0.0, 1.0), (0.0, 255.0), (123.7, 58.4)])
def test_equals_opencv_bit_for_bit(mean: float, std: float) -> None:
    pictures = [EVERY_VALUE.reshape(8, 32, 3), EVERY_VALUE[::-1].reshape(8, 32, 3)]
    expected = cv2.dnn.blobFromImages(pictures, 1.0 / std, (32, 8), (mean, mean, mean), swapRB=True)
    found = to_blob(pictures, input_spec(mean, std))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_the_planes_follow_the_colour_order_of_the_model() -> None:
    blue = np.zeros((4, 4, 3), np.uint8)
    blue[..., 0] = 255
    plain = InputSpec(height=None, width=None, mean=0.0, std=1.0)
    as_bgr = InputSpec(height=None, width=None, mean=0.0, std=1.0, colour="BGR")
    assert to_blob([blue], plain)[0, :, 0, 0].tolist() == [0, 0, 255]
    assert to_blob([blue], as_bgr)[0, :, 0, 0].tolist() == [255, 0, 0]


def test_a_batch_needs_pictures() -> None:
    with pytest.raises(InputError, match="at least one picture"):
        to_blob([], input_spec())


def test_pictures_of_another_size_are_named_by_their_place() -> None:
    pictures = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 16, 3), np.uint8)]
    with pytest.raises(InputError, match="picture 1 of the batch is 16x8 pixels, expected 8x8"):
        to_blob(pictures, input_spec())


def test_the_size_of_the_model_is_enforced() -> None:
    with pytest.raises(InputError, match="picture 0 of the batch is 8x8 pixels, expected 112x112"):
        to_blob([np.zeros((8, 8, 3), np.uint8)], input_spec(size=112))
