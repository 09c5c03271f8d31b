"""Tensors of pyservicemaker as arrays of numpy.

Its tensors speak DLPack, name a GPU as their place wherever they are, and have no way to the host: numpy refuses them,
and torch is not in DeepStream's containers. So the structure is read here, and CUDA asked to copy. What is copied is
ours; the tensor itself ends with its frame.
"""

from __future__ import annotations

import ctypes
import math
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_error import FAILED, FaceAppError

_CAPSULE = b"dltensor"
_LIBRARIES = ("libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0")
# kDLCPU, kDLCUDA and kDLCUDAHost, kDLCUDAManaged of dlpack.h; cudaMemcpyDeviceToHost.
_CPU, _CUDA, _PINNED, _MANAGED = 1, 2, 3, 13
_DEVICE_TO_HOST = 2
# (kDLFloat, bits): what an embedder can give.
_TYPES: dict[tuple[int, int], type[np.floating]] = {(2, 32): np.float32, (2, 16): np.float16}
_MOST_VALUES = 2**20  # of one face


class _Tensor(ctypes.Structure):
    """DLTensor, dlpack.h."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("type_code", ctypes.c_uint8),
        ("type_bits", ctypes.c_uint8),
        ("type_lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


def host_copy(tensor: Any) -> NDArray[np.floating]:
    """Copy a tensor of floats to the host, in its shape; raises `FaceAppError` for others, and when CUDA refuses."""
    capsule = tensor.__dlpack__()  # stays alive until the end: it keeps the memory
    described = _described(capsule)
    shape = tuple(described.shape[axis] for axis in range(described.ndim))
    kind = _TYPES.get((described.type_code, described.type_bits))
    if kind is None or described.type_lanes != 1 or math.prod(shape) > _MOST_VALUES:
        raise FaceAppError(f"the embedder gives {shape} of type {described.type_code}, no floats of one face", FAILED)
    if not _in_one_piece(described, shape):
        raise FaceAppError(f"the embedder gives {shape} in pieces, expected one", FAILED)
    values = np.empty(shape, kind)
    _copy(values, (described.data or 0) + described.byte_offset, described.device_type, described.device_id)
    return values


def _described(capsule: object) -> _Tensor:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return _Tensor.from_address(pointer(capsule, _CAPSULE))


def _in_one_piece(described: _Tensor, shape: tuple[int, ...]) -> bool:
    """Whether the last axis runs fastest, without gaps; no strides mean that."""
    expected = 1
    for axis in reversed(range(len(shape) if described.strides else 0)):
        if shape[axis] != 1 and described.strides[axis] != expected:
            return False
        expected *= shape[axis]
    return True


def _copy(values: NDArray[np.floating], address: int, device_type: int, device: int) -> None:
    if device_type in (_CPU, _PINNED):
        ctypes.memmove(values.ctypes.data, address, values.nbytes)
    elif device_type in (_CUDA, _MANAGED):
        cuda = _cuda()
        _check(cuda, cuda.cudaSetDevice(ctypes.c_int(device)))
        arguments = (ctypes.c_void_p(values.ctypes.data), ctypes.c_void_p(address), ctypes.c_size_t(values.nbytes))
        _check(cuda, cuda.cudaMemcpy(*arguments, ctypes.c_int(_DEVICE_TO_HOST)))
    else:
        raise FaceAppError(f"the embedder's output is on a device of kind {device_type}, expected CUDA's", FAILED)


def _check(cuda: ctypes.CDLL, status: int) -> None:
    if status:
        cuda.cudaGetErrorString.restype = ctypes.c_char_p
        said = cuda.cudaGetErrorString(ctypes.c_int(status)) or b"nothing"
        raise FaceAppError(f"CUDA cannot copy the embeddings: {said.decode(errors='replace')}", FAILED)


@cache
def _cuda() -> ctypes.CDLL:
    """Open CUDA's runtime; DeepStream has loaded it already, and then its plain name is enough."""
    for library in _LIBRARIES:
        with suppress(OSError):
            return ctypes.CDLL(library)
    raise FaceAppError(f"none of {', '.join(_LIBRARIES)} can be opened: CUDA's runtime is needed to read embeddings")
