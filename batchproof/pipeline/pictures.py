"""Loading the pictures that models are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.errors import InputError, printable
from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.picture_file import decode_picture
from batchproof.pipeline.picture_folder import picture_files

__all__ = ["MAX_PIXELS", "Picture", "load_pictures", "picture_files", "read_picture", "to_jpeg"]

MAX_PIXELS = 50_000_000
"""Beyond this, one picture takes more memory than the models; no test of a detector needs it."""


@dataclass(frozen=True)
class Picture:
    """A picture and the name that verdicts use for it; `pixels` is `[height, width, 3]`, uint8, BGR."""

    name: str
    pixels: Pixels


def load_pictures(folder: Path | None) -> list[Picture]:
    """Read every picture of `picture_files`; raises what that and `read_picture` raise."""
    return [read_picture(path) for path in picture_files(folder)]


def read_picture(path: Path) -> Picture:
    """Read one picture.

    Everything becomes BGR bytes, as `decode_picture` says. Raises `InputError` when it cannot be read as a whole or has
    over `MAX_PIXELS` pixels.
    """
    return Picture(printable(path.name), decode_picture(_content(path), path, MAX_PIXELS))


def to_jpeg(pixels: Pixels, longest_side: int, quality: int) -> bytes:
    """Compress a picture, scaled down to `longest_side` pixels where it is larger; `quality` is OpenCV's, 0 to 100."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(jpeg)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read this picture ({error.strerror})", where=path) from error
