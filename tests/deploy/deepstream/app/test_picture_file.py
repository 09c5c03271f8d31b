from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from batchproof.pipeline.picture import Pixels
from face_error import FaceAppError
from picture_file import Picture, find_pictures, jpeg_size


def jpeg(height: int, width: int, seed: int = 0, *options: int) -> bytes:
    pixels: Pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    done, content = cv2.imencode(".jpg", pixels, list(options))
    assert done
    return content.tobytes()


def put(folder: Path, content: bytes) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(content)
    return folder


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("size", [(1, 1), (48, 64), (301, 257), (2, 3000)])
def test_the_size_is_read_from_the_header(size: tuple[int, int], progressive: int) -> None:
    assert jpeg_size(jpeg(*size, 0, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)) == size


def test_segments_before_the_header_are_passed_over() -> None:
    content = jpeg(10, 20)
    thumbnail = b"\xff\xe1" + (2 + 300).to_bytes(2, "big") + jpeg(3, 4)[:300].ljust(300, b"\0")
    assert jpeg_size(content[:2] + thumbnail + b"\xff\xff" + content[3:]) == (10, 20)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"\xff\xd8xx"]
)
def test_what_is_no_jpeg_is_refused(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path / "Ada" / "1.jpg", content)
    with pytest.raises(FaceAppError, match=f"{path} is no JPEG"):
        find_pictures(tmp_path)


def test_tables_and_bare_markers_are_no_headers() -> None:
    content = jpeg(10, 20)
    tables = b"".join(b"\xff" + bytes([marker]) + b"\x00\x07\x08\x01\x01\x01\x01" for marker in (0xC4, 0xC8, 0xCC))
    assert jpeg_size(content[:2] + tables + b"\xff\x01\xff\xd3" + content[2:]) == (10, 20)


def test_a_header_that_never_comes_ends() -> None:
    with pytest.raises((ValueError, IndexError)):
        jpeg_size(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 100)
    with pytest.raises((ValueError, IndexError)):
        jpeg_size(b"\xff\xd8\xff\xe0\x00\x00\xff\xe0")


def test_pictures_are_found_by_name_in_order(tmp_path: Path) -> None:
    second = put(tmp_path / "Emmy" / "b.JPG", jpeg(33, 41, 1))
    first = put(tmp_path / "Ada L" / "z.jpeg", jpeg(20, 30, 2))
    third = put(tmp_path / "Emmy" / "c.jpg", jpeg(20, 30, 3))
    put(tmp_path / "Emmy" / "notes.txt", b"")
    (tmp_path / "Emmy" / "d.jpg").mkdir()
    assert find_pictures(tmp_path) == [
        Picture("Ada L", first, 30, 20),
        Picture("Emmy", second, 40, 32),
        Picture("Emmy", third, 30, 20),
    ]


def test_the_same_picture_twice_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "Ada" / "1.jpg", jpeg(20, 30))
    put(tmp_path / "Emmy" / "2.jpg", jpeg(20, 30))
    with pytest.raises(FaceAppError, match=r"2\.jpg is the same picture as .*1\.jpg"):
        find_pictures(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaceAppError, match=r"has no pictures NAME/\*\.jpg"):
        find_pictures(tmp_path / "nowhere")


def test_a_picture_without_extent_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "Ada" / "1.jpg", jpeg(1, 30))
    with pytest.raises(FaceAppError, match="30x1 pixels"):
        find_pictures(tmp_path)
