"""Pictures as frames of DeepStream: RGBA or NV12, pitch-linear, with what lies between the rows set to noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.picture import Pixels

Format = Literal["rgba", "nv12", "nv12_er", "nv12_709", "nv12_709_er"]
FORMATS: tuple[Format, ...] = ("rgba", "nv12", "nv12_er", "nv12_709", "nv12_709_er")
NV12 = FORMATS[1:]
Siting = Literal["left", "centre"]
_PADDING = 13


@dataclass(frozen=True)
class FrameBuffer:
    """One frame: planes of bytes `[rows, pitch]`; the last row ends with its last sample, so that no more is there."""

    format: Format
    width: int
    height: int
    pixels: Pixels
    pitch: int
    chroma: Pixels | None = None


def rgba(picture: Pixels) -> FrameBuffer:
    """Lay BGR pixels out as RGBA."""
    height, width = picture.shape[:2]
    alpha = np.full((height, width, 1), 99, np.uint8)
    rows = np.concatenate([picture[..., ::-1], alpha], axis=2).reshape(height, -1)
    pixels, pitch = pitched(rows)
    return FrameBuffer("rgba", width, height, pixels, pitch)


def nv12(picture: Pixels, variant: Format, siting: Siting = "left") -> FrameBuffer:
    """Encode BGR pixels by the definitions of ITU-R BT.601 or BT.709, chroma filtered to its site, rounded to bytes.

    "left" puts a chroma sample on the even columns, between two rows, as video does; "centre" amid four pixels, as
    JPEG does.
    """
    height, width = picture.shape[:2]
    of_red, of_blue = (0.2126, 0.0722) if "709" in variant else (0.299, 0.114)
    blue, green, red = (picture[..., channel].astype(np.float64) for channel in range(3))
    luma = of_red * red + of_blue * blue + (1 - of_red - of_blue) * green
    differences = (blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)
    full = variant.endswith("_er")
    pixels, pitch = pitched(_bytes(luma if full else 16 + luma * 219 / 255))
    halves = [128 + _halved(plane, siting) * (1 if full else 224 / 255) for plane in differences]
    rows = np.stack([_bytes(half) for half in halves], axis=2).reshape((height + 1) // 2, -1)
    return FrameBuffer(variant, width, height, pixels, pitch, pitched(rows, pitch)[0])


def pitched(rows: Pixels, pitch: int | None = None) -> tuple[Pixels, int]:
    """Put rows of bytes `pitch` apart; the memory ends with the last byte of the last row."""
    count, width = rows.shape
    pitch = pitch or width + _PADDING
    padded = np.random.default_rng(0).integers(0, 256, (count, pitch), np.uint8)
    padded[:, :width] = rows
    return padded.ravel()[: pitch * (count - 1) + width].copy(), pitch


def _bytes(values: NDArray[np.float64]) -> Pixels:
    whole: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return whole


def _halved(plane: NDArray[np.float64], siting: Siting) -> NDArray[np.float64]:
    """Half the resolution: pairs of rows, and pairs of columns or three about every even one."""
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (1, 1 + width % 2)), mode="edge")
    rows = (even[::2] + even[1::2]) / 2
    before, at, after = rows[:, :-2:2], rows[:, 1:-1:2], rows[:, 2::2]
    return (before + 2 * at + after) / 4 if siting == "left" else (at + after) / 2
