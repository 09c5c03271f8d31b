"""Pictures of people: which files there are, and how large they are, without decoding them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from face_error import FaceAppError

_SUFFIXES = (".jpg", ".jpeg")
_LARGEST = 2**28  # bytes
# Segments that hold the size: SOF0 to SOF15, but for DHT, JPG and DAC among them.
_SIZED = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a segment


@dataclass(frozen=True)
class Picture:
    """One picture of a person: a JPEG of `width` x `height` pixels, the nearest even ones below its own."""

    name: str
    path: Path
    width: int
    height: int


def find_pictures(folder: Path) -> list[Picture]:
    """Find NAME/*.jpg in `folder`, in order.

    Raises `FaceAppError` for no pictures, files that are no JPEG, and a picture that is there twice.
    """
    pictures: list[Picture] = []
    seen: dict[str, Path] = {}
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() not in _SUFFIXES or not path.is_file():
            continue
        content = _read(path)
        other = seen.setdefault(hashlib.sha256(content).hexdigest(), path)
        if other is not path:
            raise FaceAppError(f"{path} is the same picture as {other}: keep one of them")
        pictures.append(Picture(path.parent.name, path, *_size(path, content)))
    if not pictures:
        raise FaceAppError(f"{folder} has no pictures NAME/*.jpg")
    return pictures


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise FaceAppError(f"{path} is larger than any picture")
        return path.read_bytes()
    except OSError as error:
        raise FaceAppError(f"{path} cannot be read: {error.strerror}") from error


def _size(path: Path, content: bytes) -> tuple[int, int]:
    """Return width and height, rounded down to even numbers, as frames have them."""
    try:
        height, width = jpeg_size(content)
    except (IndexError, ValueError) as error:
        raise FaceAppError(f"{path} is no JPEG") from error
    if min(width, height) < 2:
        raise FaceAppError(f"{path} has {width}x{height} pixels, which is no picture")
    return width & ~1, height & ~1


def jpeg_size(content: bytes) -> tuple[int, int]:
    """Return height and width in pixels from the frame header (ITU-T T.81, B.2.2).

    Raises `ValueError` or `IndexError` for anything but a JPEG.
    """
    if content[:2] != b"\xff\xd8":
        raise ValueError
    position = 2
    while True:
        if content[position] != 0xFF:
            raise ValueError
        marker = content[position + 1]
        if marker == 0xFF:  # fills up
            position += 1
        elif marker in _BARE:
            position += 2
        elif marker in _SIZED:
            header = content[position + 5 : position + 9]
            return header[0] << 8 | header[1], header[2] << 8 | header[3]
        else:
            position += 2 + (content[position + 2] << 8 | content[position + 3])
