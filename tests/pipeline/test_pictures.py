from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from batchproof.errors import InputError
from batchproof.pipeline import pictures
from batchproof.pipeline.pictures import load_pictures

GRADIENT = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)


def write(path: Path, pixels: np.ndarray) -> None:
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def test_pictures_come_by_name_and_nothing_else_does(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "d.webp", "c.bmp", "e.jpeg"):
        write(tmp_path / name, GRADIENT)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "folder.png").mkdir()
    loaded = load_pictures(tmp_path)
    assert [picture.name for picture in loaded] == ["a.JPG", "b.png", "c.bmp", "d.webp", "e.jpeg"]
    np.testing.assert_array_equal(loaded[1].pixels, GRADIENT)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GRADIENT[..., 0], GRADIENT[..., [0, 0, 0]]),
        (np.dstack([GRADIENT, np.full((20, 30), 9, np.uint8)]), GRADIENT),
        (GRADIENT.astype(np.uint16) * 256 + 37, GRADIENT),
        (GRADIENT[..., 0].astype(np.uint16) * 256 + 37, GRADIENT[..., [0, 0, 0]]),
    ],
    ids=["greyscale", "alpha", "16 bit", "16 bit greyscale"],
)
def test_every_kind_of_pixel_becomes_bgr_bytes(tmp_path: Path, stored: np.ndarray, expected: np.ndarray) -> None:
    write(tmp_path / "one.png", stored)
    (picture,) = load_pictures(tmp_path)
    np.testing.assert_array_equal(picture.pixels, expected)


def test_none_gives_the_pictures_inside_insightface() -> None:
    loaded = load_pictures(None)
    assert [(picture.name, picture.pixels.shape) for picture in loaded] == [
        ("t1.jpg", (886, 1280, 3)),
        ("Tom_Hanks_54745.png", (112, 112, 3)),
    ]


@pytest.mark.parametrize("content", [b"", b"this is no picture", None])
def test_an_unreadable_picture_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    good = tmp_path / "good.jpg"
    write(good, GRADIENT)
    (tmp_path / "bad.jpg").write_bytes(good.read_bytes()[:300] if content is None else content)
    with pytest.raises(InputError, match=r"bad\.jpg: not a readable picture\. Replace or remove it\."):
        load_pictures(tmp_path)
    assert capfd.readouterr().err == ""


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures here"):
        load_pictures(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot list this folder"):
        load_pictures(tmp_path / "nowhere")


def test_huge_pictures_are_refused_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "large.png", np.zeros((1000, 2001, 3), np.uint8))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 2_000_000)
    with pytest.raises(InputError, match=r"large\.png: 2001x1000 is more than 2 megapixels"):
        load_pictures(tmp_path)
