"""Which providers work, on the ONNX Runtime that is installed and on what onnxruntime-gpu says where nothing works."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from batchproof import providers
from batchproof.errors import MissingDependencyError
from batchproof.providers import listed_providers, obstacle
from batchproof.runtime import CPU, CUDA, TENSORRT

# What onnxruntime-gpu 1.31.1 printed: without CUDA, with the CUDA of pip and without a driver, without TensorRT.
CUDA_ABSENT = """\033[1;31m2026-11-21 04:00:49.7 [E:onnxruntime:Default, provider_bridge_ort.cc:2458 operator()] \
/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& \
onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library \
/v/onnxruntime/capi/libonnxruntime_providers_cuda.so with error: LIBRARY: cannot open shared object file: No such file
\033[m
\033[0;93m2026-11-21 04:00:49.7 [W:onnxruntime:Default, onnxruntime_pybind_state.cc:1295 \
CreateExecutionProviderFactoryInstance] Failed to create CUDAExecutionProvider. Require cuDNN 9.* and CUDA 13.*. \
Please install all dependencies as mentioned in the GPU requirements page\033[m
"""


@pytest.fixture(autouse=True)
def _ask_again() -> Iterator[None]:
    obstacle.cache_clear()
    yield
    obstacle.cache_clear()


def pretend_gpu_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, prints: str, exit_code: int) -> None:
    """List CUDA and TensorRT; the process that tries them says what onnxruntime-gpu said."""
    stand_in = SimpleNamespace(__version__="1.31.1", get_available_providers=lambda: [TENSORRT, CUDA, CPU])
    monkeypatch.setattr(providers, "onnxruntime_module", lambda: stand_in)
    (tmp_path / "said").write_text(prints)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ncat '{tmp_path / 'said'}' >&2\nexit {exit_code}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def test_the_cpu_works() -> None:
    assert obstacle(CPU) is None


def test_a_provider_that_opens_and_executes_nothing_does_not_work() -> None:
    """Azure's is in every CPU wheel: its sessions list it, and it has no kernels of its own."""
    found = obstacle("AzureExecutionProvider")
    assert found is not None
    assert found.reason.endswith("silently not used: its session executes everything on CPUExecutionProvider")


def test_a_provider_that_is_not_installed_names_the_extra() -> None:
    found = obstacle(CUDA)
    assert found is not None
    assert "is installed without CUDAExecutionProvider. Install batchproof[gpu]" in str(found)


def test_no_onnx_runtime_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> object:
        raise MissingDependencyError.for_extra("onnxruntime", "cpu")

    monkeypatch.setattr(providers, "onnxruntime_module", absent)
    assert "not installed. Install batchproof[gpu]" in str(obstacle(CUDA))


@pytest.mark.parametrize(
    ("library", "remedy"),
    [
        ("libcublasLt.so.13", "'onnxruntime-gpu[cuda,cudnn]'"),
        ("libcuda.so.1", "Install the NVIDIA driver"),
        ("libnvinfer.so.10", "libraries of that TensorRT release"),
    ],
)
def test_a_library_that_does_not_load_is_named_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: str, remedy: str
) -> None:
    pretend_gpu_package(monkeypatch, tmp_path, CUDA_ABSENT.replace("LIBRARY", library), exit_code=1)
    found = obstacle(CUDA)
    assert found is not None
    cause = f"{library}: cannot open shared object file: No such file (it requires cuDNN 9.* and CUDA 13.*)"
    assert found.reason == f"CUDAExecutionProvider is listed and silently not used: {cause}"
    assert remedy in found.remedy


def test_what_works_may_have_complained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend_gpu_package(monkeypatch, tmp_path, CUDA_ABSENT, exit_code=0)
    assert obstacle(CUDA) is None


def test_a_process_that_dies_without_a_word_is_an_obstacle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend_gpu_package(monkeypatch, tmp_path, "", exit_code=3)
    assert "its process ended with 3" in str(obstacle(CUDA))


def test_a_provider_that_hangs_is_an_obstacle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend_gpu_package(monkeypatch, tmp_path, "", exit_code=0)
    (tmp_path / "python").write_text("#!/bin/sh\nexec sleep 30\n")
    monkeypatch.setattr(providers, "_TIME_LIMIT_SECONDS", 0.2)
    assert "no answer in 0.2 s" in str(obstacle(CUDA))


def test_a_provider_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend_gpu_package(monkeypatch, tmp_path, "", exit_code=1)
    first = obstacle(CUDA)
    pretend_gpu_package(monkeypatch, tmp_path, "", exit_code=0)
    assert obstacle(CUDA) is first is not None


def test_the_providers_of_the_cpu_are_not_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert listed_providers() == ()
    pretend_gpu_package(monkeypatch, tmp_path, "", exit_code=0)
    assert listed_providers() == (TENSORRT, CUDA)
