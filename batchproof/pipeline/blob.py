"""From pictures to the network's input tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batchproof.errors import InputError
from batchproof.pipeline.picture import Pixels, check_picture
from batchproof.runtime import Blob
from batchproof.zoo.spec import InputSpec


def to_blob(pictures: Sequence[Pixels] | Pixels, spec: InputSpec) -> Blob:
    """Stack pictures of one size into `[N, 3, height, width]`, float32, in the spec's colour order.

    Each value is `(pixel - mean) / std`, equal to `cv2.dnn.blobFromImages` bit for bit, which multiplies by the float32
    reciprocal of `std`. Raises `InputError` when there is no picture, when sizes differ, or when the model's own size
    is another one.
    """
    height, width = _common_size(pictures, spec)
    blob = np.empty((len(pictures), 3, height, width), np.float32)
    for planes, picture in zip(blob, pictures, strict=True):
        ordered = picture[..., ::-1] if spec.colour == "RGB" else picture
        np.subtract(ordered.transpose(2, 0, 1), np.float32(spec.mean), out=planes)
    blob *= np.float32(1.0 / spec.std)
    return blob


def _common_size(pictures: Sequence[Pixels] | Pixels, spec: InputSpec) -> tuple[int, int]:
    """Height and width that all pictures share."""
    if len(pictures) == 0:
        raise InputError("a batch needs at least one picture")
    for picture in pictures:
        check_picture(picture)
    height, width = pictures[0].shape[:2]
    expected = (spec.height or height, spec.width or width)
    for index, picture in enumerate(pictures):
        if picture.shape[:2] != expected:
            found = f"picture {index} of the batch is {picture.shape[1]}x{picture.shape[0]} pixels"
            raise InputError(f"{found}, expected {expected[1]}x{expected[0]}", remedy="Letterbox or align it first")
    return height, width
