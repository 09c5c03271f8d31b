"""The C++ half of the applications, through `shim.cpp`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.deploy.deepstream.align.native import compile_shared

Floats = NDArray[np.float32]
UNTRACKED = 2**64 - 1


class Shim:
    """The compiled headers of the application, and of what it shares with parser and aligner."""

    def __init__(self, folder: Path) -> None:
        library = folder / "app.so"
        compile_shared(library, [Path(__file__).with_name("shim.cpp")], "-O1")
        self._library = ctypes.CDLL(str(library))
        self._library.shim_line.restype = ctypes.c_char_p
        self._library.shim_letterbox.restype = ctypes.c_bool

    def mask(self, points: Floats, score: float = 0.75, network: tuple[float, float] = (640, 640)) -> Floats:
        """Pack landmarks `[5, 2]`, network pixels, as the parser does: `[4, 5]`."""
        mask, flat = np.empty((4, 5), np.float32), np.ascontiguousarray(points, np.float32)
        sizes = (ctypes.c_float(side) for side in network)
        self._library.shim_mask(_at(flat), ctypes.c_float(score), *sizes, _at(mask))
        return mask

    def letterbox(self, frame: tuple[int, int], network: tuple[int, int]) -> tuple[float, float] | None:
        """Return the aligner's two scales for a frame of this width and height."""
        scales = np.empty(2)
        found = self._library.shim_letterbox(*frame, *network, _at(scales))
        return (float(scales[0]), float(scales[1])) if found else None

    def line(
        self,
        *,
        stream: int,
        frame: int,
        time_ns: int,
        track: int | None,
        score: float,
        box: Floats,
        mask: NDArray[np.generic] | None,
        size: tuple[int, int],
        embedding: Floats | None,
        with_embedding: bool,
    ) -> str:
        """Return the line of the C++ application for a face; `embedding` is as the network gave it."""
        numbers = np.array([stream, frame, time_ns, UNTRACKED if track is None else track], np.uint64)
        carried = (None, 0) if mask is None else (_at(mask), mask.nbytes)
        given = (None, 0) if embedding is None else (_at(embedding), len(embedding))
        arguments = (_at(numbers), ctypes.c_float(score), _at(box), *carried, *size, *given, with_embedding)
        line: bytes = self._library.shim_line(*arguments)
        return line.decode()


def _at(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
