"""One face of one frame, from what DeepStream's metadata holds, and its line of JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gallery import Match

Floats = NDArray[np.float32]

# include/batchproof/landmark_mask.h: five (x, y, score), the network's width and height, the mark, two to spare.
_POINTS = 5
_MASK_FLOATS = 20
_WIDTH, _HEIGHT, _MARK = 15, 16, 17
_MARK_VALUE = np.float32(112.0625)
_LARGEST_NETWORK = 65536
# Digits that bring a float32 back to the bit.
_DIGITS = 9


@dataclass(frozen=True)
class FaceRecord:
    """One face; coordinates are pixels of the frame as nvstreammux hands it on, from the centre of its first pixel.

    `stream` is the source's number, `frame` counts within it, `time_ns` is the presentation time. `track` and `score`
    are None for a face without a tracker, and for one that only the tracker sees. `box` is left, top, right, bottom as
    the tracker leaves it, float32. `landmarks` `[5, 2]` and `embedding` `[channels]`, of length 1, are float32 or None.
    `matches` is None without a gallery or an embedding, and empty when nobody in the gallery is like it.
    """

    stream: int
    frame: int
    time_ns: int
    track: int | None
    score: float | None
    box: Floats
    landmarks: Floats | None = None
    embedding: Floats | None = None
    matches: tuple[Match, ...] | None = None

    def line(self, *, with_embedding: bool = False) -> str:
        """Return one line of JSON, without its end; README.md of this folder describes it."""
        content: dict[str, Any] = {
            "stream": self.stream,
            "frame": self.frame,
            "time_ns": self.time_ns,
            "track": self.track,
            "score": None if self.score is None else shortened(self.score),
            "box": _numbers(self.box),
            "landmarks": None if self.landmarks is None else [_numbers(point) for point in self.landmarks],
        }
        if with_embedding:
            content["embedding"] = None if self.embedding is None else _numbers(self.embedding)
        content["matches"] = None if self.matches is None else [_match(match) for match in self.matches]
        return json.dumps(content, allow_nan=False, separators=(",", ":"))


def shortened(number: float) -> float:
    """Drop the digits that a float32 does not have."""
    return float(f"{number:.{_DIGITS}g}")


def frame_landmarks(mask: NDArray[np.generic], frame_width: int, frame_height: int) -> Floats | None:
    """Read the landmarks that the parser sent as an instance mask, in pixels of the frame, `[5, 2]`, float32.

    `mask` is what lies in the object's `mask_params`, in any shape. None where there is no mask, or one of other
    contents. nvinfer maps boxes to the frame, but not masks: this is `place_by_landmarks` of align/placement.h.
    """
    floats = np.asarray(mask, np.float32).ravel()
    if len(floats) != _MASK_FLOATS or floats[_MARK] != _MARK_VALUE:
        return None
    width, height = float(floats[_WIDTH]), float(floats[_HEIGHT])
    points = floats[: 3 * _POINTS].reshape(_POINTS, 3)[:, :2]
    sizes = all(1 <= size <= _LARGEST_NETWORK for size in (width, height))
    if not sizes or not np.isfinite(points).all():
        return None
    scales = nvinfer_letterbox(frame_width, frame_height, int(width), int(height))
    return None if scales is None else (points / np.array(scales)).astype(np.float32)


def nvinfer_letterbox(
    frame_width: int, frame_height: int, network_width: int, network_height: int
) -> tuple[float, float] | None:
    """Return network pixels per frame pixel, in x and in y: the rule of nvinfer, as in align/letterbox.h.

    It takes even numbers of columns and rows, and truncates the shorter side to whole pixels. None where nothing is
    left of the frame.
    """
    columns, rows = frame_width & ~1, frame_height & ~1
    if columns <= 0 or rows <= 0:
        return None
    width, height = network_width, network_height
    fitted = network_width * rows / columns
    if fitted <= network_height:
        height = int(fitted)
    else:
        width = int(network_height * columns / rows)
    return (width / columns, height / rows) if width and height else None


def unit(embedding: NDArray[np.floating]) -> Floats | None:
    """Bring what the embedder gave to length 1, float32; None for zeros, and for what is not finite."""
    values = np.asarray(embedding, np.float64).ravel()
    length = math.sqrt(float(values @ values))
    if not math.isfinite(length) or length == 0:
        return None
    return (values / length).astype(np.float32)


def _numbers(values: Floats) -> list[float]:
    return [shortened(value) for value in values.tolist()]


def _match(match: Match) -> dict[str, Any]:
    return {"name": match.name, "cosine": shortened(match.cosine)}
