"""One encoded picture to pixels, whoever sent it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from batchproof.errors import InputError
from batchproof.pipeline.opencv import SILENT, cv2, set_log_level
from batchproof.pipeline.picture import Pixels

_SCALE_DOWN = "Scale it down"
# Where OpenCV holds a header's size against its own limits, before it takes memory for the pixels.
_SIZE_CHECK = "validateInputImageSize"


def decode_picture(content: bytes, where: str | Path, max_pixels: int) -> Pixels:
    """Decode a whole JPEG, PNG, BMP or WebP file: `[height, width, 3]`, uint8, BGR.

    Greyscale becomes BGR, alpha is dropped, 16 bits become 8, and EXIF rotation is applied, as `cv2.imread` does by
    default. `where` says which picture it is. Raises `InputError` when it cannot be decoded as a whole or has over
    `max_pixels` pixels.
    """
    pixels = _decoded(content, where)
    if pixels is None:
        raise InputError("not a readable picture", where=where, remedy="Replace or remove it")
    check_size(pixels, max_pixels, where)
    return pixels


def check_size(picture: Pixels, max_pixels: int, where: str | Path) -> None:
    """Raise `InputError` for a picture of more than `max_pixels` pixels."""
    height, width = picture.shape[:2]
    if height * width > max_pixels:
        raise InputError(
            f"{width}x{height} is more than {max_pixels // 1_000_000} megapixels", where=where, remedy=_SCALE_DOWN
        )


def _decoded(content: bytes, where: str | Path) -> Pixels | None:
    """BGR pixels, or None for anything that OpenCV cannot decode as a whole."""
    with _quiet_opencv():
        try:
            pixels: Pixels | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error as error:
            if error.func == _SIZE_CHECK:
                raise InputError(
                    "its header announces more pixels than OpenCV may decode", where=where, remedy=_SCALE_DOWN
                ) from error
            return None
    return pixels


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from writing its own lines about a broken picture to stderr."""
    level = set_log_level(SILENT)
    try:
        yield
    finally:
        set_log_level(level)
