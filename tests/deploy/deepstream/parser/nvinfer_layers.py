"""The structures that nvinfer hands a parser, as ctypes; their layout is stated here a second time, on purpose."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOAT, HALF, INT8 = 0, 1, 2


class Dims(ctypes.Structure):
    _fields_ = (("num_dims", ctypes.c_uint), ("d", ctypes.c_uint * 8), ("num_elements", ctypes.c_uint))


class LayerInfo(ctypes.Structure):
    _fields_ = (
        ("data_type", ctypes.c_int),
        ("dims", Dims),
        ("binding_index", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("buffer", ctypes.c_void_p),
        ("is_input", ctypes.c_int),
    )


@dataclass(frozen=True)
class Layer:
    """One output of one frame. `values` stay alive with it; everything can be made to lie."""

    name: bytes | None
    values: NDArray[np.generic] | None
    data_type: int
    dims: Sequence[int]
    num_dims: int
    num_elements: int

    @classmethod
    def of(cls, name: str, values: NDArray[np.generic]) -> Layer:
        """An honest layer of float16 or float32 `values`, in one piece."""
        kind = {np.dtype(np.float32): FLOAT, np.dtype(np.float16): HALF}[values.dtype]
        return cls(name.encode(), np.ascontiguousarray(values), kind, values.shape, values.ndim, values.size)

    def info(self) -> LayerInfo:
        dims = Dims(self.num_dims, (ctypes.c_uint * 8)(*self.dims), self.num_elements)
        address = None if self.values is None else self.values.ctypes.data
        return LayerInfo(self.data_type, dims, 0, self.name, address, 0)


def layers_of(outputs: Mapping[str, NDArray[np.generic]], frame: int) -> list[Layer]:
    """What nvinfer makes of batched outputs `[N, rows, channels]` for one frame: the batch axis is gone."""
    return [Layer.of(name, values[frame]) for name, values in outputs.items()]
