"""What every step of the pipeline accepts as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError

Pixels = NDArray[np.uint8]
"""One picture, `[height, width, 3]`, uint8, BGR as OpenCV reads it."""


def check_picture(picture: Pixels) -> None:
    """Raise `InputError` unless `picture` is a non-empty uint8 array `[height, width, 3]`."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
        raise InputError(
            f"no picture: {picture.dtype} array of shape {list(picture.shape)}",
            remedy="Give BGR pixels as a uint8 array [height, width, 3]",
        )
