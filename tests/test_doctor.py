import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from batchproof import doctor, providers, runtime
from batchproof.doctor import Finding, examine
from batchproof.errors import MissingDependencyError
from batchproof.providers import Obstacle

SUBJECTS = [
    "GPU and driver",
    "CUDA toolkit",
    "C++ compiler",
    "TensorRT",
    "TensorRT-RTX",
    "ONNX Runtime",
    "PyTorch",
    "insightface",
    "DeepStream",
    "Triton",
    "Docker",
]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it: an empty root, and an empty folder `bin` as its PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(doctor, "SYSTEM_ROOT", tmp_path)
    return tmp_path


def install(machine: Path, name: str, prints: str) -> None:
    """Put a command there that prints one line."""
    command = machine / "bin" / name
    command.write_text(f"#!/bin/sh\necho '{prints}'\n")
    command.chmod(0o755)


def finding(subject: str) -> Finding:
    return next(found for found in examine() if found.subject == subject)


def pretend_versions(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Change the installed version of some distributions; None uninstalls."""
    real = metadata.version

    def version(name: str) -> str:
        pretended = versions.get(name.replace("-", "_"), "")
        if pretended is None:
            raise metadata.PackageNotFoundError(name)
        return pretended or real(name)

    monkeypatch.setattr(metadata, "version", version)


def test_every_subject_is_examined_in_order_and_fast() -> None:
    began = time.perf_counter()
    findings = examine()
    assert time.perf_counter() - began < 5
    assert [found.subject for found in findings] == SUBJECTS


def test_what_our_test_environment_has_is_found() -> None:
    for subject in ("TensorRT-RTX", "ONNX Runtime", "insightface"):
        assert finding(subject).status == "ok", finding(subject)


def test_what_is_not_ok_says_how_to_get_it(machine: Path) -> None:
    findings = examine()
    missing = {found.subject for found in findings if found.status == "missing"}
    assert missing >= {"GPU and driver", "CUDA toolkit", "C++ compiler", "DeepStream", "Triton", "Docker"}
    for found in findings:
        assert found.detail
        assert bool(found.remedy) == (found.status != "ok"), found


def test_gpu_by_nvidia_smi(machine: Path) -> None:
    install(machine, "nvidia-smi", "NVIDIA L4, 580.65.06, 23034 MiB")
    assert finding("GPU and driver") == Finding("GPU and driver", "ok", "NVIDIA L4, driver 580.65.06, 23034 MiB")


def test_gpu_driver_without_nvidia_smi_is_partial(machine: Path) -> None:
    (machine / "proc/driver/nvidia").mkdir(parents=True)
    (machine / "proc/driver/nvidia/version").write_text("NVRM version: NVIDIA UNIX 580.65.06\nGCC version: 12\n")
    found = finding("GPU and driver")
    assert found.status == "partial"
    assert found.detail.endswith("NVRM version: NVIDIA UNIX 580.65.06")


def test_a_command_that_hangs_is_given_up(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_SECONDS_PER_COMMAND", 0.2)
    command = machine / "bin/nvidia-smi"
    command.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    command.chmod(0o755)
    began = time.perf_counter()
    assert finding("GPU and driver").status == "missing"
    assert time.perf_counter() - began < 5


def test_compilers(machine: Path) -> None:
    install(machine, "nvcc", "Cuda compilation tools, release 13.0, V13.0.48")
    install(machine, "g++", "g++ (Debian) 12.2.0")
    assert finding("CUDA toolkit").detail.startswith("CUDA 13.0 (")
    assert finding("C++ compiler") == Finding("C++ compiler", "ok", "g++ (Debian) 12.2.0")


def test_a_server_to_rehearse_with_is_half_of_one(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version_of", {"nvidia-pytriton": "0.7.0"}.get)
    found = finding("Triton")
    assert (found.status, found.detail) == ("partial", "that of nvidia-pytriton 0.7.0, which rehearses without a GPU")


def test_servers(machine: Path) -> None:
    install(machine, "deepstream-app", "")
    (machine / "opt/nvidia/deepstream/deepstream-9.1").mkdir(parents=True)
    (machine / "opt/nvidia/deepstream/deepstream-9.1/version").write_text("Version: 9.1\n")
    (machine / "opt/tritonserver/bin").mkdir(parents=True)
    (machine / "opt/tritonserver/bin/tritonserver").touch()
    (machine / "opt/tritonserver/TRITON_VERSION").write_text("2.62.0\n")
    deepstream, triton = finding("DeepStream"), finding("Triton")
    assert (deepstream.status, triton.status) == ("ok", "ok")
    assert "Version: 9.1" in deepstream.detail
    assert "2.62.0" in triton.detail


def test_trtexec_without_the_python_package_is_partial(machine: Path) -> None:
    install(machine, "trtexec", "")
    found = finding("TensorRT")
    assert found.status == "partial"
    assert "the Python package tensorrt is not installed" in found.detail
    assert "NVIDIA's own package index" in found.remedy


@pytest.mark.parametrize(
    ("runtimes", "status"),
    [('{"nvidia":{},"runc":{}}', "ok"), ('{"runc":{}}', "partial"), ("", "partial")],
)
def test_docker_needs_its_daemon_and_the_nvidia_runtime(machine: Path, runtimes: str, status: str) -> None:
    install(machine, "docker", runtimes)
    assert finding("Docker").status == status


def test_another_insightface_is_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_versions(monkeypatch, insightface="0.7.3")
    assert finding("insightface").status == "partial"
    assert "insightface 0.7.3, parity is pinned to 2.1" in finding("insightface").detail


def test_bindings_without_libraries_are_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_versions(monkeypatch, onnxruntime_ep_nv_tensorrt_rtx_cu13=None)
    assert finding("TensorRT-RTX").status == "partial"


def test_no_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> object:
        raise MissingDependencyError.for_extra("onnxruntime", "cpu")

    monkeypatch.setattr(runtime, "onnxruntime_module", absent)
    assert finding("ONNX Runtime").status == "missing"
    assert "batchproof[cpu]" in finding("ONNX Runtime").remedy


def test_providers_that_are_listed_but_not_used_are_exposed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `obstacle` says of each decides, not what ONNX Runtime lists."""
    obstacles = {
        "TensorrtExecutionProvider": Obstacle("no libnvinfer", "Install TensorRT"),
        "CUDAExecutionProvider": Obstacle("no libcublas", "Install CUDA"),
        "SomeExecutionProvider": None,
    }
    monkeypatch.setattr(providers, "listed_providers", lambda: tuple(obstacles))
    monkeypatch.setattr(providers, "obstacle", lambda name: obstacles[name])
    found = finding("ONNX Runtime")
    assert found.status == "partial"
    assert found.detail.endswith("works: SomeExecutionProvider, CPUExecutionProvider; no libnvinfer; no libcublas")
    assert found.remedy == "Install TensorRT. Install CUDA"


def test_two_onnx_runtimes_in_one_environment_are_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    pretend_versions(monkeypatch, onnxruntime="1.31.1", onnxruntime_gpu="1.31.1")
    monkeypatch.setattr(runtime, "onnxruntime_module", lambda: onnxruntime)
    assert "both installed" in finding("ONNX Runtime").detail


def test_a_broken_installation_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> object:
        raise ValueError("torn apart")

    monkeypatch.setattr(runtime, "onnxruntime_module", broken)
    found = finding("ONNX Runtime")
    assert found.status == "partial"
    assert "ValueError: torn apart" in found.detail


def test_nothing_heavy_is_imported() -> None:
    heavy = "('torch', 'polygraphy', 'tensorrt', 'tensorrt_rtx_bindings', 'insightface', 'cv2')"
    code = (
        f"import sys; from batchproof.doctor import examine; examine(); print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
