"""What a served pipeline does, without networks: it counts faces by a pixel, and remembers how it was asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batchproof.deploy.triton.serving import contract
from batchproof.pipeline.picture import Pixels

Array = NDArray[Any]

CHANNELS = 8
# Of blue in the corner of a frame.
REFUSED, NOT_FINITE = 255, 254
MOST_FACES = 4

_ROWS: dict[str, tuple[tuple[int, ...], Any]] = {
    "boxes": ((4,), np.float32),
    "scores": ((), np.float32),
    "keypoints": ((5, 2), np.float32),
    "embeddings": ((CHANNELS,), np.float32),
    "normed_embeddings": ((CHANNELS,), np.float32),
    "landmarks_2d106det": ((106, 2), np.float32),
    "male": ((), np.bool_),
    "ages": ((), np.int32),
}
WIRE: Mapping[Any, str] = {np.float32: "FP32", np.bool_: "BOOL", np.int32: "INT32"}


class RefusalError(Exception):
    """The server says no, as Triton does with INVALID_ARGUMENT."""


def frame(faces: int, *, height: int = 6, width: int = 9, shade: int = 40, corner: int | None = None) -> Pixels:
    """Make a picture with so many faces; `corner` is what its first pixel is instead, for what goes wrong."""
    pixels = np.full((height, width, 3), shade, np.uint8)
    pixels[0, 0] = (faces if corner is None else corner, shade // 2, 0)
    return pixels


@dataclass
class FakeFaces:
    """One server's model: `delay` seconds a request; `dies_after` so many answers the whole server goes."""

    delay: float = 0.0
    ready: bool = True
    serves: bool = True
    dies_after: int | None = None
    without: tuple[str, ...] = ()
    remaps_nothing: bool = False
    regions: dict[str, str] = field(default_factory=dict)
    busy_regions: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[str, tuple[int, ...], frozenset[str]]] = field(default_factory=list)
    mapped: list[str] = field(default_factory=list)
    answered: int = 0
    failed: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    @property
    def dead(self) -> bool:
        return self.dies_after is not None and self.answered >= self.dies_after

    def metadata(self) -> dict[str, Any]:
        inputs = [("frame", "UINT8", [-1, -1, -1, 3]), ("image", "BYTES", [-1, 1])]
        outputs = [("num_faces", "INT32", [-1, 1])]
        outputs += [(name, WIRE[kind], [-1, -1, *shape]) for name, (shape, kind) in _ROWS.items()]
        return {
            "name": contract.MODEL,
            "inputs": [dict(zip(("name", "datatype", "shape"), one, strict=True)) for one in inputs],
            "outputs": [
                dict(zip(("name", "datatype", "shape"), one, strict=True))
                for one in outputs
                if one[0] not in self.without
            ],
        }

    def statistics(self) -> dict[str, Any]:
        """Every request is a run of its own; each has queued for 2 ms and computed for 3."""
        spent = {part: {"count": self.answered, "ns": self.answered * 1_000_000} for part in _PARTS}
        spent["queue"]["ns"] *= 2
        outcomes = {"success": {"count": self.answered}, "fail": {"count": self.failed}}
        batches = [{"batch_size": 1, "compute_infer": {"count": self.answered}}] if self.answered else []
        counts = {"inference_count": self.answered, "execution_count": self.answered}
        return {"name": contract.MODEL, **counts, "inference_stats": {**outcomes, **spent}, "batch_stats": batches}

    async def infer(
        self, inputs: Mapping[str, Array], regions: Sequence[str], outputs: Sequence[str]
    ) -> Mapping[str, Array]:
        """Answer one request, as slowly as this server is."""
        with self._counted(regions):
            ((name, given),) = inputs.items()
            self.asked.append((name, given.shape, frozenset(outputs)))
            await asyncio.sleep(self.delay)
            try:
                frames = list(given) if name == "frame" else [_decoded(row[0]) for row in given]
                found = _found(frames, outputs)
            except RefusalError:
                self.failed += 1
                raise
            self.answered += 1
            return found

    def register(self, name: str, key: str, size: int) -> None:
        path = Path("/dev/shm", key.lstrip("/"))
        if self.remaps_nothing or not path.exists() or path.stat().st_size < size:
            raise RefusalError(f"Unable to open shared memory region: '{key}'")
        if name in self.regions:
            raise RefusalError(f"shared memory region '{name}' already in manager")
        self.regions[name] = key
        self.mapped.append(name)

    def unregister(self, name: str) -> None:
        if self.busy_regions[name]:
            raise RefusalError(f"Cannot unregister shared memory region '{name}', it is currently in use.")
        self.regions.pop(name, None)

    def read_region(self, name: str, shape: Sequence[int]) -> Array:
        if name not in self.regions:
            raise RefusalError(f"Unable to find shared memory region: '{name}'")
        path = Path("/dev/shm", self.regions[name].lstrip("/"))
        return np.fromfile(path, np.uint8, int(np.prod(shape))).reshape(shape)

    @contextmanager
    def _counted(self, regions: Sequence[str]) -> Iterator[None]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.busy_regions.update(regions)
        try:
            yield
        finally:
            self.in_flight -= 1
            self.busy_regions.subtract(regions)


_PARTS = ("queue", "compute_input", "compute_infer", "compute_output")


def _decoded(content: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if pixels is None:
        raise RefusalError("image 0: not a readable picture. Send a whole JPEG, PNG, BMP or WebP file.")
    return np.asarray(pixels, np.uint8)


def _found(frames: Sequence[Pixels], outputs: Sequence[str]) -> dict[str, Array]:
    corners = [int(pixels[0, 0, 0]) for pixels in frames]
    if REFUSED in corners:
        raise RefusalError(f"frame {corners.index(REFUSED)}: it was meant to be refused.\n\x1b[31mRemedy.")
    counts = np.array([[1 if corner == NOT_FINITE else corner % MOST_FACES] for corner in corners], np.int32)
    found: dict[str, Array] = {"num_faces": counts}
    for name in outputs:
        if name in _ROWS:
            shape, kind = _ROWS[name]
            found[name] = np.zeros((len(frames), int(counts.max()), *shape), kind)
            for row, pixels in enumerate(frames):
                found[name][row, : counts[row, 0]] = _value(name, pixels)
    return found


def _value(name: str, pixels: Pixels) -> float:
    """What every face of a frame has: its mean, which tells any two frames apart, or the green of its corner."""
    if name in ("male", "ages"):
        return float(pixels[0, 0, 1])
    return float("nan") if pixels[0, 0, 0] == NOT_FINITE else float(pixels.mean()) + len(name)
