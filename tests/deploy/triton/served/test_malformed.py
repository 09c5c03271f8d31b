"""What cannot be answered gets a sentence that says why, and the next request its answer."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from batchproof.deploy.triton.server.server import RunningServer
from batchproof.deploy.triton.serving.contract import MODEL
from batchproof.pipeline.pictures import Picture
from tests.deploy.triton.served.asking import ask_frame, client, files, refusal
from tests.deploy.triton.served.processes import resident

pytestmark = pytest.mark.served
FRAME = np.full((1, 48, 64, 3), 90, np.uint8)
MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def _answers_afterwards(server: RunningServer, pictures: list[Picture]) -> Iterator[None]:
    yield
    assert ask_frame(server, pictures[0].pixels)["num_faces"].tolist() == [[1]]


def png(width: int, height: int) -> bytes:
    """A black picture of one bit a pixel: a few kilobytes, and three bytes a pixel for who decodes it."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width // 8 + 1) * height), 9)
    chunks = [(b"IHDR", head), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


INPUTS: dict[str, tuple[dict[str, NDArray[Any]], str]] = {
    "four channels": (
        {"frame": np.zeros((1, 48, 64, 4), np.uint8)},
        "unexpected shape for input 'frame' for model 'faces'. Expected [-1,-1,-1,3]",
    ),
    "no batch axis": ({"frame": FRAME[0, :8]}, "unexpected shape for input 'frame'"),
    "floats": ({"frame": FRAME.astype(np.float32)}, "inference input 'frame' data-type is 'FP32'"),
    "no frame in the batch": ({"frame": FRAME[:0]}, "input byte size mismatch for input 'frame'"),
    "a frame without pixels": ({"frame": FRAME[:, :0]}, "frame 0: no picture"),
    "more frames than a batch": ({"frame": FRAME.repeat(17, axis=0)}, "batch-size must be <= 16 for 'faces'"),
    "100 MB": (
        {"frame": np.zeros((1, 5800, 5800, 3), np.uint8)},
        "frame 0: 5800x5800 is more than 25 megapixels. Scale it down.",
    ),
    "a frame too thin": (
        {"frame": np.zeros((1, 5000, 1, 3), np.uint8)},
        "frame 0: a picture of 1x5000 pixels leaves nothing when it is fitted into 640x640. Crop it",
    ),
    "both inputs": ({"frame": FRAME, "image": files(b"x")}, "the request has two inputs. Send either 'frame'"),
    "neither input": ({}, "request has 0 inputs"),
    "no picture": ({"image": files(b"this is no picture")}, "image 0: not a readable picture. Replace or remove it."),
    "an empty file": ({"image": files(b"")}, "image 0: not a readable picture"),
    "a name that is none of ours": ({"picture": FRAME}, "unexpected inference input 'picture' for model 'faces'"),
    "bytes of no file": ({"image": files(bytes(range(256)) * 40)}, "image 0: not a readable picture"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_malformed_requests_are_told_why(server: RunningServer, name: str) -> None:
    inputs, sentence = INPUTS[name]
    assert sentence in refusal(server, **inputs)


def test_a_truncated_jpeg_is_named_among_its_neighbours(server: RunningServer, test_data: Path) -> None:
    whole = (test_data / "images" / "Stallone.jpg").read_bytes()
    assert "image 1: not a readable picture" in refusal(server, image=files(whole, whole[: len(whole) // 2], whole))


def test_a_bomb_is_refused_by_its_header(server: RunningServer) -> None:
    content = png(40_000, 40_000)
    assert len(content) < MEGABYTE
    before = resident(server)
    sentence = refusal(server, image=files(content))
    assert "image 0: its header announces more pixels than OpenCV may decode. Scale it down." in sentence
    assert resident(server) - before < 64 * MEGABYTE


def test_a_small_file_of_many_pixels_is_answered_within_the_limit(server: RunningServer) -> None:
    assert "6000x5000 is more" not in refusal(server, image=files(png(6_000, 5_000)))
    assert "announces more" in refusal(server, image=files(png(6_000, 5_000)))


@pytest.mark.parametrize("raw", [b"\xff\xff\xff\x7fabc", b"ab", b"\x01\x00\x00\x00aXYZ"])
def test_strings_that_are_longer_than_they_say_or_shorter_are_refused(server: RunningServer, raw: bytes) -> None:
    tensor = triton.InferInput("image", [1, 1], "BYTES").set_data_from_numpy(files(b"x"))
    tensor._raw_content = raw
    with client(server) as connection, pytest.raises(InferenceServerException, match="incomplete string"):
        connection.infer(MODEL, [tensor])
