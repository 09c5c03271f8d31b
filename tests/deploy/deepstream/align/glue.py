"""nvdspreprocess's side of the library, as far as it goes without a GPU: see `glue.cpp` for what stands in."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.deploy.deepstream.align.frames import FrameBuffer
from tests.deploy.deepstream.align.native import BUNDLE, HERE, compile_shared, zip_of
from tests.deploy.deepstream.sdk import gstreamer, system_headers

SUCCESS, TENSOR_FAILED, INVALID, CUDA_ERROR, RESOURCE_ERROR, NOT_READY = 0, 4, 5, 7, 9, 10
CUDA_DEVICE, SURFACE_ARRAY, SYSTEM = 2, 4, 6
UNTRACKED = 2**64 - 1
# Of NvBufSurfaceColorFormat.
COLOUR_FORMATS = {"nv12": 6, "nv12_er": 7, "rgba": 19, "nv12_709": 33, "nv12_709_er": 34}


class _Layer(ctypes.Structure):
    _fields_ = (
        ("values", ctypes.c_void_p),
        ("type", ctypes.c_int),
        ("rows", ctypes.c_uint),
        ("channels", ctypes.c_uint),
    )


class _Outputs(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint) for name in ("detector", "network_width", "network_height")),
        *((name, ctypes.c_int) for name in ("aspect_kept", "symmetric", "described", "on_host")),
        ("layers", ctypes.POINTER(_Layer)),
        ("layer_count", ctypes.c_uint),
    )


class _Object(ctypes.Structure):
    _fields_ = (
        ("frame", ctypes.c_int),
        ("present", ctypes.c_int),
        ("confidence", ctypes.c_float),
        ("left", ctypes.c_float),
        ("top", ctypes.c_float),
        ("width", ctypes.c_float),
        ("height", ctypes.c_float),
        ("id", ctypes.c_uint64),
        ("mask", ctypes.c_void_p),
        ("mask_bytes", ctypes.c_uint),
        ("detector", ctypes.c_int),
    )


class _Frame(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint) for name in ("width", "height", "color_format", "layout", "planes", "pitch")),
        ("chroma_offset", ctypes.c_uint),
        ("data_size", ctypes.c_uint),
        ("data", ctypes.c_void_p),
        ("source", ctypes.c_uint),
        ("number", ctypes.c_uint64),
        ("outputs", ctypes.POINTER(_Outputs)),
        ("outputs_count", ctypes.c_uint),
    )


class _Result(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("status", "faces", "rois", "acquired", "released", "buffer_given")),
        ("buffer_size", ctypes.c_uint64),
        ("kept", ctypes.c_int * 64),
    )


@dataclass(frozen=True)
class RawOutputs:
    """What a detector attaches to a frame: outputs `[rows, channels]`, of which those in `lost` are not on the host."""

    values: Sequence[NDArray[np.generic]]
    network: tuple[int, int]
    detector: int = 1
    data_type: int | None = None
    lost: Sequence[int] = ()
    aspect_kept: bool = True
    symmetric: bool = False
    described: bool = True
    on_host: bool = True

    def structure(self) -> _Outputs:
        """Return the structure; the values stay where they are."""
        layers = (_Layer * len(self.values))(*map(self._layer, range(len(self.values))))
        flags = (self.aspect_kept, self.symmetric, self.described, self.on_host)
        return _Outputs(self.detector, *self.network, *map(int, flags), layers, len(layers))

    def _layer(self, index: int) -> _Layer:
        values = self.values[index]
        address = None if index in self.lost else values.ctypes.data
        data_type = int(values.dtype == np.float16) if self.data_type is None else self.data_type
        return _Layer(address, data_type, *values.shape)


@dataclass(frozen=True)
class Surface:
    """One frame of a batch; what is set overrides what the frame has."""

    frame: FrameBuffer
    source: int = 0
    number: int = 0
    colour_format: int | None = None
    layout: int = 0
    planes: int = 2
    data_size: int | None = None
    outputs: Sequence[RawOutputs] = ()

    def described(self) -> tuple[_Frame, NDArray[np.uint8]]:
        """Return the structure and the memory it points to, planes one after the other."""
        frame = self.frame
        memory = frame.pixels
        if frame.chroma is not None:
            gap = np.zeros(frame.pitch * frame.height - len(frame.pixels), np.uint8)
            memory = np.concatenate([frame.pixels, gap, frame.chroma])
        colour = COLOUR_FORMATS[frame.format] if self.colour_format is None else self.colour_format
        size = memory.nbytes if self.data_size is None else self.data_size
        numbers = (frame.width, frame.height, colour, self.layout, self.planes, frame.pitch)
        chroma_offset = frame.pitch * frame.height
        place = (chroma_offset, size, memory.ctypes.data, self.source, self.number)
        outputs = (_Outputs * len(self.outputs))(*(each.structure() for each in self.outputs))
        return _Frame(*numbers, *place, outputs, len(outputs)), memory


@dataclass(frozen=True)
class Face:
    """One object of a batch: the place of its frame in the batch, its box (left, top, width, height) and its mask."""

    mask: NDArray[np.float32] | None
    box: tuple[float, float, float, float] = (50, 50, 80, 100)
    frame: int = 0
    track: int = UNTRACKED
    confidence: float = 0.9
    present: bool = True
    detector: int = 1

    def described(self) -> _Object:
        """Return the structure; the mask stays where it is."""
        mask = (None, 0) if self.mask is None else (self.mask.ctypes.data, self.mask.nbytes)
        return _Object(self.frame, int(self.present), self.confidence, *self.box, self.track, *mask, self.detector)


@dataclass(frozen=True)
class Prepared:
    """What the element gets: a status, the tensor, and which objects it holds."""

    status: int
    tensor: NDArray[np.float32]
    faces: int
    kept: list[int]
    acquired: int
    released: int
    buffer_given: int
    buffer_size: int


class Library:
    """The opened library."""

    def __init__(self, glue: ctypes.CDLL, handle: int, shape: Sequence[int]) -> None:
        self._glue, self._handle, self._shape = glue, ctypes.c_void_p(handle), shape

    def prepare(
        self,
        surfaces: Sequence[Surface],
        faces: Sequence[Face],
        *,
        memory: int = CUDA_DEVICE,
        cuda_says: str | None = None,
        pool_empty: bool = False,
    ) -> Prepared:
        """Prepare one batch; the tensor is NaN where nothing was written, and one face longer than it may be."""
        described = [surface.described() for surface in surfaces]
        tensor = np.full((self._shape[0] + 1, *self._shape[1:]), np.nan, np.float32)
        result = _Result()
        self._glue.glue_prepare(
            self._handle,
            (_Frame * len(surfaces))(*(frame for frame, _ in described)),
            len(surfaces),
            (_Object * len(faces))(*(face.described() for face in faces)),
            len(faces),
            (ctypes.c_int * 4)(*self._shape),
            memory,
            None if cuda_says is None else cuda_says.encode(),
            int(pool_empty),
            ctypes.c_void_p(tensor.ctypes.data),
            ctypes.byref(result),
        )
        counts = (result.acquired, result.released, result.buffer_given, result.buffer_size)
        return Prepared(result.status, tensor, result.faces, list(result.kept[: result.rois]), *counts)


def build_glue(folder: Path) -> ctypes.CDLL:
    """Compile the library's own source with its stand-ins."""
    library = folder / "glue.so"
    sources = (BUNDLE / "align" / "preprocess_align.cpp", BUNDLE / "align" / "warp_cpu.cpp", HERE / "glue.cpp")
    compile_shared(library, sources, "-O1", *system_headers(), *gstreamer("--libs"))
    glue = ctypes.CDLL(str(library))
    glue.glue_open.restype = ctypes.c_void_p
    glue.glue_start()
    return glue


def open_library(
    glue: ctypes.CDLL,
    configs: Mapping[str, str],
    shape: Sequence[int] = (4, 3, 112, 112),
    *,
    data_type: int = 0,
    order: int = 0,
    colour: int = 1,
) -> int | None:
    """Call initLib: the context, or None."""
    keys, values = ((ctypes.c_char_p * len(configs))(*map(str.encode, part)) for part in zip_of(configs))
    dimensions = (ctypes.c_int * len(shape))(*shape)
    handle: int | None = glue.glue_open(keys, values, len(configs), dimensions, len(shape), data_type, order, colour)
    return handle


@contextmanager
def opened(
    glue: ctypes.CDLL, shape: Sequence[int] = (4, 3, 112, 112), *, colour: int = 1, **configs: str
) -> Iterator[Library]:
    """Open the library with these options, whose dashes are underscores here, for BGR unless told otherwise."""
    handle = open_library(glue, {key.replace("_", "-"): value for key, value in configs.items()}, shape, colour=colour)
    assert handle is not None
    try:
        yield Library(glue, handle, shape)
    finally:
        glue.glue_close(ctypes.c_void_p(handle))
