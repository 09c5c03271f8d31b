"""What every step of the pipeline accepts as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError

Pixels = NDArray[np.uint8]
"""One picture, `[height, width, 3]`, uint8, BGR as OpenCV reads it."""

_REMEDY = "Give BGR pixels as a uint8 array [height, width, 3]"
_GREY, _COLOURS, _WITH_ALPHA = 1, 3, 4


def check_picture(picture: object, where: str | None = None) -> None:
    """Raise `InputError` unless `picture` is a non-empty uint8 array `[height, width, 3]`.

    `where` says which picture it is, such as `frame 3`. Nothing is converted: whether grey, alpha or 16 bits can be
    dropped only the caller knows, and the message says how.
    """
    if not isinstance(picture, np.ndarray):
        raise InputError(f"no picture: a {type(picture).__name__}", where=where, remedy=_REMEDY)
    if picture.ndim != 3 or picture.shape[2] != _COLOURS or picture.dtype != np.uint8 or picture.size == 0:
        found = f"no picture: {picture.dtype} array of shape {list(picture.shape)}"
        raise InputError(found, where=where, remedy=_remedy(picture))


def _remedy(picture: NDArray[np.generic]) -> str:
    """How to make a picture of what can be one."""
    if picture.size == 0:
        return _REMEDY
    if picture.dtype == np.uint16:
        return f"{_REMEDY}; 16 bits become 8 by (frame >> 8).astype(np.uint8)"
    if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == _GREY):
        return f"{_REMEDY}; grey becomes BGR by cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)"
    if picture.ndim == 3 and picture.shape[2] == _WITH_ALPHA:
        return f"{_REMEDY}; alpha is dropped by frame[..., :3]"
    return _REMEDY
