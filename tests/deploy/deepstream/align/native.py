"""The bundle's own headers, compiled with the flags of its Makefile and called through `shim.cpp`."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.deploy.deepstream.align.frames import FORMATS, FrameBuffer

HERE = Path(__file__).parent
BUNDLE = HERE.parents[3] / "batchproof" / "deploy" / "deepstream" / "bundle"
STRICT = ("-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffp-contract=off", f"-I{BUNDLE / 'include'}")
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def compiler() -> str | None:
    """Find a C++ compiler: the one that `CXX` names, or g++."""
    return shutil.which(os.environ.get("CXX", "g++"))


def build(folder: Path, *flags: str) -> Path:
    """Compile the host library into `folder`; every warning is an error."""
    library = folder / "align_host.so"
    sources = (HERE / "shim.cpp", BUNDLE / "align" / "warp_cpu.cpp")
    compile_shared(library, sources, "-O2", *flags)
    return library


def compile_shared(library: Path, sources: Sequence[Path], *flags: str) -> None:
    """Compile and link a shared library; raises with what the compiler says."""
    command = [compiler() or "g++", *STRICT, "-shared", "-fPIC", f"-I{BUNDLE}", *map(str, sources), *flags]
    done = subprocess.run([*command, "-o", str(library)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


class FrameView(ctypes.Structure):
    """A frame as the shim takes it."""

    _fields_ = (
        ("format", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("pixels", ctypes.c_void_p),
        ("pitch", ctypes.c_uint32),
        ("chroma", ctypes.c_void_p),
        ("chroma_pitch", ctypes.c_uint32),
    )

    @classmethod
    def of(cls, frame: FrameBuffer) -> FrameView:
        """Describe a frame that stays where it is as long as this lives."""
        chroma = None if frame.chroma is None else frame.chroma.ctypes.data
        format_ = FORMATS.index(frame.format)
        return cls(format_, frame.width, frame.height, frame.pixels.ctypes.data, frame.pitch, chroma, frame.pitch)


@dataclass(frozen=True)
class Options:
    """What the library has read from its options."""

    box_mode: bool
    mean: float
    std: float
    min_face: float
    embed_interval: int
    dump_folder: str


class Native:
    """The compiled host library."""

    def __init__(self, library: Path) -> None:
        self.shim = ctypes.CDLL(str(library))
        for name in ("shim_options", "shim_shape", "shim_described"):
            getattr(self.shim, name).restype = ctypes.c_char_p
        self.shim.shim_throttle.restype = ctypes.c_void_p
        self.shim.shim_tracks.restype = ctypes.c_size_t

    def template(self, size: int) -> Doubles | None:
        """Where landmarks belong in a crop, `[5, 2]`."""
        points = np.empty((5, 2))
        return points if self.shim.shim_template(size, _at(points)) else None

    def similarity(self, source: NDArray[np.floating], target: NDArray[np.floating]) -> Doubles | None:
        """Estimate the similarity `[2, 3]` from `source` to `target`, `[5, 2]`."""
        matrix, points = np.empty((2, 3)), [np.ascontiguousarray(each, np.float64) for each in (source, target)]
        return matrix if self.shim.shim_similarity(*map(_at, points), _at(matrix)) else None

    def invert(self, matrix: Doubles) -> Doubles | None:
        """Return the way back, `[2, 3]`."""
        back, forth = np.empty((2, 3)), np.ascontiguousarray(matrix, np.float64)
        return back if self.shim.shim_invert(_at(forth), _at(back)) else None

    def upright(self, box: Floats, size: int) -> Doubles | None:
        """Return the map `[2, 3]` from the frame to the square crop around `box`."""
        matrix, corners = np.empty((2, 3)), np.ascontiguousarray(box, np.float32)
        return matrix if self.shim.shim_upright(_at(corners), size, _at(matrix)) else None

    def letterbox(self, width: int, height: int, network_width: int, network_height: int) -> tuple[float, float] | None:
        """Return nvinfer's two scales for a frame of this size."""
        scales = np.empty(2)
        found = self.shim.shim_letterbox(width, height, network_width, network_height, _at(scales))
        return (float(scales[0]), float(scales[1])) if found else None

    def mask(self, points: Floats, network_width: float, network_height: float) -> Floats:
        """Pack landmarks `[5, 2]`, network pixels, as the parser does: 20 floats."""
        mask, flat = np.empty(20, np.float32), np.ascontiguousarray(points, np.float32)
        self.shim.shim_mask(_at(flat), ctypes.c_float(network_width), ctypes.c_float(network_height), _at(mask))
        return mask

    def place(
        self,
        box: Floats,
        mask: NDArray[np.generic] | None,
        frame: tuple[int, int],
        *,
        size: int = 112,
        box_mode: bool = False,
        min_face: float = 0,
    ) -> tuple[str, Doubles]:
        """Return the outcome for one face in a frame of width and height, and the map `[2, 3]` from crop to frame."""
        to_frame, corners = np.empty((2, 3)), np.ascontiguousarray(box, np.float32)
        given = (None, 0) if mask is None else (_at(mask), mask.nbytes)
        numbers = (int(box_mode), ctypes.c_float(min_face), size)
        outcome = self.shim.shim_place(
            _at(corners), given[0], ctypes.c_size_t(given[1]), *frame, *numbers, _at(to_frame)
        )
        return self.shim.shim_described(outcome).decode(), to_frame

    def warp(
        self,
        frame: FrameBuffer,
        to_frame: NDArray[np.floating],
        size: int = 112,
        *,
        mean: float = 0,
        std: float = 1,
        bgr: bool = True,
    ) -> Floats | None:
        """Cut faces out: `[n, 3, size, size]`, float32; None for a frame that is not well formed."""
        matrices = np.ascontiguousarray(to_frame, np.float64)
        tensor = np.empty((len(matrices), 3, size, size), np.float32)
        scale, view = np.float32(1 / std), FrameView.of(frame)
        numbers = (len(matrices), size, ctypes.c_float(mean), ctypes.c_float(scale), int(bgr))
        warped = self.shim.shim_warp(ctypes.byref(view), _at(matrices), *numbers, _at(tensor))
        return tensor if warped else None

    def crops(self, frame: FrameBuffer, to_frame: NDArray[np.floating], size: int = 112) -> NDArray[np.uint8]:
        """Cut faces out as OpenCV does: `[n, size, size, 3]`, uint8, BGR."""
        tensor = self.warp(frame, to_frame, size)
        if tensor is None:
            raise ValueError("this frame is not well formed")
        crops: NDArray[np.uint8] = tensor.transpose(0, 2, 3, 1).astype(np.uint8)
        return crops

    def options(self, configs: Mapping[str, str]) -> Options | str:
        """Read options; what is wrong with them, when something is."""
        keys, values = ((ctypes.c_char_p * len(configs))(*map(str.encode, part)) for part in zip_of(configs))
        mode, numbers, folder = ctypes.c_int(), np.empty(4), ctypes.c_char_p()
        wrong: bytes = self.shim.shim_options(
            keys, values, len(configs), ctypes.byref(mode), _at(numbers), ctypes.byref(folder)
        )
        if wrong:
            return wrong.decode()
        mean, std, min_face, interval = map(float, numbers)
        return Options(bool(mode.value), mean, std, min_face, int(interval), (folder.value or b"").decode())

    def check_shape(self, shape: Sequence[int], *, box_mode: bool = False) -> str:
        """Say what is wrong with a network-input-shape, or nothing."""
        wrong: bytes = self.shim.shim_shape((ctypes.c_int * len(shape))(*shape), len(shape), int(box_mode))
        return wrong.decode()


def zip_of(configs: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return keys and values apart."""
    return list(configs), list(configs.values())


def _at(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
