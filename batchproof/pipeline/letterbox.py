"""Fitting a picture into the network's input: insightface's rule, to the pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batchproof.errors import InputError
from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.picture import Pixels, check_picture


@dataclass(frozen=True)
class Letterboxed:
    """A picture on the network's canvas.

    `pixels` is `[height, width, 3]`, uint8, BGR: the picture in the top-left corner, black to the right or below.
    `scale` is canvas pixels per picture pixel: divide canvas coordinates by it to get picture coordinates.
    """

    pixels: Pixels
    scale: float


def letterbox(picture: Pixels, height: int, width: int) -> Letterboxed:
    """Scale `picture` to fit `height` x `width` without changing its aspect ratio, linearly interpolated.

    The rule is that of insightface 2.1 (`SCRFD.detect`): the shorter side is truncated to whole pixels, and the one
    scale is that of the heights, also used for x. Raises `InputError` for pictures too thin to leave a pixel.
    """
    check_picture(picture)
    rows, columns = picture.shape[:2]
    new_height, new_width = fitted_size(rows, columns, height, width)
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[:new_height, :new_width] = cv2.resize(picture, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    return Letterboxed(canvas, new_height / rows)


def fitted_size(rows: int, columns: int, height: int, width: int, where: str | None = None) -> tuple[int, int]:
    """Return height and width of a picture of `rows` x `columns` pixels on the canvas.

    `where` says which picture it is. Raises `InputError` when it is too thin to leave a pixel.
    """
    new_height, new_width = _fit(rows, columns, height, width)
    if new_height < 1 or new_width < 1:
        raise InputError(
            f"a picture of {columns}x{rows} pixels leaves nothing when it is fitted into {width}x{height}",
            where=where,
            remedy="Crop it to a less extreme shape",
        )
    return new_height, new_width


def _fit(rows: int, columns: int, height: int, width: int) -> tuple[int, int]:
    """Height and width of the scaled picture; the float arithmetic decides which pixel counts are reached."""
    ratio = rows / columns
    if ratio > height / width:
        return height, int(height / ratio)
    return int(width * ratio), width
