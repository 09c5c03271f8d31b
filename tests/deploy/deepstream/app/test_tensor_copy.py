from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tensor_copy
from face_error import FaceAppError
from tensor_copy import host_copy
from tests.deploy.deepstream.align.native import compile_shared
from tests.deploy.deepstream.app.service_maker_stand_in import Tensor

_CUDA, _CPU = 2, 1


class OnGpu(Tensor):
    """A tensor whose DLPack says another device than numpy's, which nothing here would notice."""

    def __init__(self, values: NDArray[Any], device_type: int = _CUDA, device: int = 3) -> None:
        super().__init__(values)
        self._device = device_type, device

    def __dlpack__(self, stream: object = None) -> object:
        capsule = super().__dlpack__()
        described = tensor_copy._described(capsule)
        described.device_type, described.device_id = self._device
        return capsule


@pytest.fixture
def cuda(need_compiler: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ctypes.CDLL]:
    library = tmp_path / "libcudart_stand_in.so"
    compile_shared(library, [Path(__file__).with_name("cuda_stand_in.cpp")])
    monkeypatch.setattr(tensor_copy, "_LIBRARIES", ("nowhere.so", str(library)))
    tensor_copy._cuda.cache_clear()
    yield ctypes.CDLL(str(library))
    tensor_copy._cuda.cache_clear()


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("shape", [(512,), (1, 512), (2, 3, 4)])
def test_a_tensor_on_the_host_is_copied(kind: type, shape: tuple[int, ...]) -> None:
    values: NDArray[Any] = np.random.default_rng(0).normal(size=shape).astype(kind)
    copied = host_copy(Tensor(values))
    assert copied.dtype == kind
    np.testing.assert_array_equal(copied, values)
    values.fill(0)
    assert copied.any()


def test_a_part_of_a_tensor_is_copied_from_where_it_is() -> None:
    batch = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(host_copy(Tensor(batch[1])), [4, 5, 6, 7])


def test_a_tensor_on_the_gpu_is_copied_by_cuda(cuda: ctypes.CDLL) -> None:
    values = np.arange(8, dtype=np.float32)
    np.testing.assert_array_equal(host_copy(OnGpu(values)), values)
    assert ctypes.c_int.in_dll(cuda, "last_device").value == 3
    assert ctypes.c_int.in_dll(cuda, "last_kind").value == 2  # cudaMemcpyDeviceToHost


def test_what_cuda_refuses_is_told(cuda: ctypes.CDLL) -> None:
    ctypes.c_int.in_dll(cuda, "fails").value = 101
    with pytest.raises(FaceAppError, match="invalid device ordinal") as caught:
        host_copy(OnGpu(np.zeros(8, np.float32)))
    assert caught.value.status == 1
    ctypes.c_int.in_dll(cuda, "fails").value = 0


def test_a_missing_runtime_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_copy, "_LIBRARIES", ("nowhere.so",))
    tensor_copy._cuda.cache_clear()
    with pytest.raises(FaceAppError, match=r"none of nowhere\.so can be opened"):
        host_copy(OnGpu(np.zeros(8, np.float32)))


def test_another_kind_of_device_is_refused() -> None:
    with pytest.raises(FaceAppError, match="device of kind 10"):
        host_copy(OnGpu(np.zeros(8, np.float32), device_type=10))


class Shifted(Tensor):
    """A tensor that begins after the address of its DLPack."""

    def __dlpack__(self, stream: object = None) -> object:
        capsule = super().__dlpack__()
        described = tensor_copy._described(capsule)
        described.byte_offset, described.shape[0] = 8, described.shape[0] - 2
        return capsule


def test_a_tensor_may_begin_after_its_address() -> None:
    np.testing.assert_array_equal(host_copy(Shifted(np.arange(5, dtype=np.float32))), [2, 3, 4])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros(4, np.int32), "no floats of one face"),
        (np.zeros(4, np.float64), "no floats of one face"),
        (np.zeros(2**20 + 1, np.float16), "no floats of one face"),
        (np.zeros((4, 4), np.float32).T[:, :2], "in pieces"),
        (np.zeros(8, np.float32)[::2], "in pieces"),
    ],
)
def test_tensors_that_no_embedder_gives_are_refused(values: NDArray[Any], said: str) -> None:
    with pytest.raises(FaceAppError, match=said):
        host_copy(Tensor(values))
