"""Loading the pictures that models are measured on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batchproof.errors import InputError, printable
from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.picture import Pixels
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

    Greyscale becomes BGR, alpha is dropped, 16 bits become 8, and EXIF rotation is applied, as `cv2.imread` does by
    default. Raises `InputError` when it cannot be read as a whole or has over `MAX_PIXELS` pixels.
    """
    return Picture(printable(path.name), _pixels(path))


def to_jpeg(pixels: Pixels, longest_side: int, quality: int) -> bytes:
    """Compress a picture, scaled down to `longest_side` pixels where it is larger; `quality` is OpenCV's, 0 to 100."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(jpeg)


def _pixels(path: Path) -> Pixels:
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise InputError(f"cannot read this picture ({error.strerror})", where=path) from error
    pixels = _decode(content)
    if pixels is None:
        raise InputError("not a readable picture", where=path, remedy="Replace or remove it")
    height, width = pixels.shape[:2]
    if height * width > MAX_PIXELS:
        raise InputError(
            f"{width}x{height} is more than {MAX_PIXELS // 1_000_000} megapixels", where=path, remedy="Scale it down"
        )
    return pixels


def _decode(content: Pixels) -> Pixels | None:
    """BGR pixels, or None for anything that OpenCV cannot decode as a whole."""
    with _quiet_opencv():
        try:
            pixels: Pixels | None = cv2.imdecode(content, cv2.IMREAD_COLOR)
        except cv2.error:  # an empty file, or a header that announces more than OpenCV's own limit of pixels
            return None
    return pixels


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from writing its own lines about a broken picture to stderr."""
    log = cv2.utils.logging
    level = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)
