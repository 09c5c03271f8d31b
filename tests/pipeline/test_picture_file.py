from __future__ import annotations

import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest

from batchproof.errors import InputError
from batchproof.pipeline.opencv import SILENT, set_log_level
from batchproof.pipeline.picture_file import decode_picture

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def encoded(suffix: str) -> bytes:
    return bytes(cv2.imencode(suffix, PIXELS)[1])


def announcing(width: int, height: int) -> bytes:
    """A PNG of hardly any bytes whose header announces so many pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + head + encoded(".png")[33:]


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_bytes_become_pixels(suffix: str) -> None:
    np.testing.assert_array_equal(decode_picture(encoded(suffix), "it", 600), PIXELS)


@pytest.mark.parametrize("content", [b"", b"no picture", encoded(".jpg")[:200], encoded(".webp")[:60]])
def test_what_cannot_be_decoded_as_a_whole_is_named(content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"^image 3: not a readable picture\. Replace or remove it\.$"):
        decode_picture(content, "image 3", 1_000_000)
    assert capfd.readouterr().err == ""


def test_more_pixels_than_allowed_are_counted() -> None:
    large = bytes(cv2.imencode(".png", np.zeros((1001, 1000, 3), np.uint8))[1])
    with pytest.raises(InputError, match=r"^it: 1000x1001 is more than 1 megapixels\. Scale it down\.$"):
        decode_picture(large, "it", 1_000_000)


def test_more_pixels_than_opencv_decodes_are_refused_by_the_header() -> None:
    with pytest.raises(InputError, match="it: its header announces more pixels than OpenCV may decode"):
        decode_picture(announcing(70_000, 70_000), "it", 10**10)


_LIMITED = """
import os, sys
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = "599"
from batchproof.pipeline.picture_file import decode_picture
decode_picture(sys.stdin.buffer.read(), "it", 10_000)
"""


def test_the_limit_that_opencv_is_given_is_kept_before_it_decodes() -> None:
    done = subprocess.run([sys.executable, "-c", _LIMITED], input=encoded(".png"), capture_output=True, check=False)
    assert b"InputError: it: its header announces more pixels than OpenCV may decode" in done.stderr


def test_opencv_is_as_talkative_afterwards_as_before() -> None:
    before = set_log_level(2)
    try:
        decode_picture(encoded(".png"), "it", 600)
        assert set_log_level(SILENT) == 2
    finally:
        set_log_level(before)
