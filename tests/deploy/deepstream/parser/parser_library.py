"""A parser library, compiled and called as nvinfer does it: dlopen, dlsym, std::vector."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batchproof.deploy import deepstream
from tests.deploy.deepstream.parser.nvinfer_layers import Layer, LayerInfo

BUNDLE = Path(deepstream.__file__).parent / "bundle"
SHIM = Path(__file__).parent / "shim.cpp"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
SANITIZED = "-O0 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all"
MOST_FACES = 4096

_BOX = [(name, np.float32) for name in ("left", "top", "width", "height", "score")]
OBJECT = np.dtype([("class_id", np.uint32), *_BOX])
ROTATED = np.dtype([*OBJECT.descr, ("rotation", np.float32)])
_MASK_SIZES = [(name, np.uint32) for name in ("mask_width", "mask_height", "mask_size")]
MASKED = np.dtype([*OBJECT.descr, ("mask", np.uint64), *_MASK_SIZES, ("padding", np.uint32)])
MASK_FLOATS = 20


def compiler() -> str | None:
    """Find the C++ compiler that make would take."""
    return shutil.which(os.environ.get("CXX", "g++"))


def build(folder: Path, version: str, *, flags: str = "-O3", settings: Sequence[str] = ()) -> ParserLibrary:
    """Make the library with the bundle's own Makefile, without a warning, and the shim for the same version."""
    made = folder / "build"
    make(version, *into(made, flags), "parser", *settings)
    major, minor = version.split(".")
    headers = (f"-I{BUNDLE / 'parser'}", f"-DNVDS_VERSION_MAJOR={major}", f"-DNVDS_VERSION_MINOR={minor}")
    shim = folder / "shim.so"
    run("g++", "-std=c++17", "-fPIC", "-shared", *flags.split(), *WARNINGS, *headers, str(SHIM), "-o", str(shim))
    return ParserLibrary(made / "libbatchproof_scrfd_parser.so", shim)


def into(made: Path, flags: str = "-O3") -> tuple[str, str]:
    """Where make is to build, and how; the same for everything in one folder."""
    return f"BUILD={made}", f"CXXFLAGS={flags} {' '.join(WARNINGS)}"


def make(version: str, *arguments: str) -> str:
    """Run make in the bundle as if no DeepStream were installed; what it says, on both channels."""
    return run("make", "-C", str(BUNDLE), f"NVDS_VERSION={version}", "NVDS_HEADERS=/nowhere", *arguments)


def run(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}\n{done.stdout}")
    return done.stdout


@dataclass(frozen=True)
class ParserLibrary:
    """The two functions of one library; `files` are opened anew, so that one object can be sent to another process."""

    file: Path
    shim: Path

    def opened(self) -> Parsers:
        return Parsers(ctypes.CDLL(str(self.file)), ctypes.CDLL(str(self.shim)))


class Parsers:
    """Both parsers, for layers that are prepared once and parsed often."""

    def __init__(self, library: ctypes.CDLL, shim: ctypes.CDLL) -> None:
        self._boxes = ctypes.cast(library.NvDsInferParseCustomScrfd, ctypes.c_void_p)
        self._masks = ctypes.cast(library.NvDsInferParseCustomScrfdMask, ctypes.c_void_p)
        self._shim = shim
        self.box_type = ROTATED if shim.shim_size_of_box() == ROTATED.itemsize else OBJECT
        # Filled anew by every call, so that a measured call allocates what nvinfer allocates and no more.
        self._found = {kind: np.zeros(MOST_FACES, kind) for kind in (self.box_type, MASKED)}
        self._floats = np.zeros((MOST_FACES, MASK_FLOATS), np.float32)

    def widen(self, halves: NDArray[np.float16]) -> NDArray[np.float32]:
        """Convert with the parser's own header."""
        floats = np.empty(halves.shape, np.float32)
        self._shim.shim_widen(
            *(ctypes.c_void_p(each.ctypes.data) for each in (halves, floats)), ctypes.c_uint(halves.size)
        )
        return floats

    def boxes(
        self, layers: Sequence[Layer], size: tuple[int, int], thresholds: Sequence[float] = (0.5,)
    ) -> NDArray[np.void]:
        """Return the listed objects, `size` being width and height of the network."""
        return self.boxes_of(prepared(layers), size, thresholds)

    def boxes_of(
        self, layers: ctypes.Array[LayerInfo], size: tuple[int, int], thresholds: Sequence[float] = (0.5,)
    ) -> NDArray[np.void]:
        found = self._found[self.box_type]
        count = self._shim.shim_boxes(self._boxes, *_arguments(layers, size, thresholds), *_room(found))
        assert count >= 0, count
        listed: NDArray[np.void] = found[:count].copy()
        return listed

    def masks(
        self, layers: Sequence[Layer], size: tuple[int, int], thresholds: Sequence[float] = (0.5,)
    ) -> tuple[NDArray[np.void], NDArray[np.float32]]:
        """Return the listed objects and the floats of their masks `[n, 20]`, NaN where there is none."""
        return self.masks_of(prepared(layers), size, thresholds)

    def masks_of(
        self, layers: ctypes.Array[LayerInfo], size: tuple[int, int], thresholds: Sequence[float] = (0.5,)
    ) -> tuple[NDArray[np.void], NDArray[np.float32]]:
        found = self._found[MASKED]
        masks = self._floats
        into = (*_room(found), ctypes.c_void_p(masks.ctypes.data), ctypes.c_uint(masks.strides[0]))
        count = self._shim.shim_masks(self._masks, *_arguments(layers, size, thresholds), *into)
        assert count >= 0, count
        floats = masks[:count].copy()
        floats[found["mask_size"][:count] == 0] = np.nan
        return found[:count].copy(), floats


def prepared(layers: Sequence[Layer]) -> ctypes.Array[LayerInfo]:
    """Lay the structures side by side; the layers must outlive them."""
    return (LayerInfo * len(layers))(*(layer.info() for layer in layers))


def _arguments(
    layers: ctypes.Array[LayerInfo], size: tuple[int, int], thresholds: Sequence[float]
) -> tuple[object, ...]:
    limits = (ctypes.c_float * len(thresholds))(*thresholds)
    return layers, len(layers), ctypes.c_uint(size[0]), ctypes.c_uint(size[1]), limits, len(thresholds)


def _room(found: NDArray[np.void]) -> tuple[object, ...]:
    return ctypes.c_void_p(found.ctypes.data), ctypes.c_uint(len(found))
