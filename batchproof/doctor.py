"""What this machine can do: one finding for every tool that a stage can use, and how to get what is missing."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from batchproof import providers, runtime
from batchproof.build.tensorrt import compat as tensorrt_compat
from batchproof.errors import MissingDependencyError
from batchproof.zoo.published import INSIGHTFACE_VERSION

State = Literal["ok", "partial", "missing"]

SYSTEM_ROOT = Path("/")
_SECONDS_PER_COMMAND = 3
_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_RTX_BINDINGS = ("tensorrt-rtx-cu13-bindings", "tensorrt-rtx-cu12-bindings", "tensorrt-rtx")
_RTX_LIBRARIES = ("onnxruntime-ep-nv-tensorrt-rtx-cu13", "onnxruntime-ep-nv-tensorrt-rtx", "tensorrt-rtx-cu13-libs")


@dataclass(frozen=True)
class Finding:
    """One tool: what was found, or what it would enable and how to get it (`remedy`, empty when `status` is ok)."""

    subject: str
    status: State
    detail: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Examine this machine; always the same subjects in the same order.

    Never raises. Every command has three seconds, and all probes run at once; only an ONNX Runtime for the GPU may take
    longer, because a provider is asked to execute a kernel.
    """
    with ThreadPoolExecutor(max_workers=len(_PROBES)) as pool:
        return list(pool.map(lambda subject: _examined(subject, _PROBES[subject]), _PROBES))


def _examined(subject: str, probe: Callable[[str], Finding]) -> Finding:
    try:
        return probe(subject)
    except Exception as error:  # a broken installation may raise anything, and is itself a finding
        return Finding(subject, "partial", f"could not be examined ({type(error).__name__}: {error})", "Reinstall it")


def _gpu(subject: str) -> Finding:
    listed = _first_line("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    if listed:
        name, driver, memory = (part.strip() for part in listed.split(",", 2))
        return Finding(subject, "ok", f"{name}, driver {driver}, {memory}")
    remedy = "Would execute engines: install the NVIDIA driver (https://www.nvidia.com/drivers) on a machine with a GPU"
    kernel = SYSTEM_ROOT / "proc/driver/nvidia/version"
    if kernel.is_file():
        return Finding(subject, "partial", f"kernel driver without nvidia-smi: {_line_of(kernel)}", remedy)
    return Finding(subject, "missing", "no NVIDIA GPU or driver; engines can be built for RTX, not executed", remedy)


def _cuda_toolkit(subject: str) -> Finding:
    nvcc = shutil.which("nvcc") or str(SYSTEM_ROOT / "usr/local/cuda/bin/nvcc")
    release = re.search(r"release ([\d.]+)", _output(nvcc, "--version"))
    if release:
        return Finding(subject, "ok", f"CUDA {release[1]} ({nvcc})")
    remedy = "Would compile the CUDA kernels of DeepStream bundles: install it from https://developer.nvidia.com/cuda"
    return Finding(subject, "missing", "no nvcc", remedy)


def _compiler(subject: str) -> Finding:
    for name in ("c++", "g++", "clang++"):
        version = _first_line(name, "--version")
        if version:
            return Finding(subject, "ok", version)
    remedy = "Would compile the parser library of DeepStream bundles: apt-get install g++"
    return Finding(subject, "missing", "no C++ compiler", remedy)


def _tensorrt(subject: str) -> Finding:
    trtexec = shutil.which("trtexec") or _existing("usr/src/tensorrt/bin/trtexec")
    version, absent = _version_of("tensorrt"), tensorrt_compat.missing("tensorrt")
    found = f"Python package {version or 'absent'}, trtexec {trtexec or 'absent'}"
    if absent is None:
        return Finding(subject, "ok", found)
    remedy = f"Would build the engines that DeepStream and Triton load. {absent.remedy}"
    status: State = "partial" if trtexec or version else "missing"
    return Finding(subject, status, f"{absent.reason.removeprefix('TensorRT: ')}; {found}", remedy)


def _tensorrt_rtx(subject: str) -> Finding:
    absent = tensorrt_compat.missing("rtx")
    bindings, libraries = _first_installed(_RTX_BINDINGS), _first_installed(_RTX_LIBRARIES)
    remedy = "Would compile engines for RTX GPUs without a GPU: python -m pip install 'batchproof[rtx]' (Linux x86-64)"
    if absent is not None:
        return Finding(subject, "partial" if bindings else "missing", absent.reason.split(": ", 1)[1], remedy)
    if libraries is None:
        return Finding(subject, "partial", f"{bindings}, but no package with its libraries", remedy)
    return Finding(subject, "ok", f"{bindings}, libraries of {libraries}")


def _onnxruntime(subject: str) -> Finding:
    try:
        module: Any = runtime.onnxruntime_module()
    except MissingDependencyError:
        remedy = "Executes models; every validation needs it: python -m pip install 'batchproof[cpu]'"
        return Finding(subject, "missing", "not installed", remedy)
    if _first_installed(("onnxruntime",)) and _first_installed(("onnxruntime-gpu",)):
        remedy = "They are one module: uninstall both, then install the one you want"
        return Finding(subject, "partial", "onnxruntime and onnxruntime-gpu are both installed", remedy)
    obstacles = {name: providers.obstacle(name) for name in providers.listed_providers()}
    dead = [found for found in obstacles.values() if found is not None]
    works = [*(name for name, found in obstacles.items() if found is None), runtime.CPU]
    detail = "; ".join([f"{module.__version__}, works: {', '.join(works)}", *(found.reason for found in dead)])
    remedy = ". ".join(dict.fromkeys(found.remedy for found in dead))
    return Finding(subject, "partial" if dead else "ok", detail, remedy)


def _torch(subject: str) -> Finding:
    version = _version_of("torch")
    if version is None:
        remedy = "Exports PyTorch checkpoints and the demo pack: python -m pip install 'batchproof[export]'"
        return Finding(subject, "missing", "not installed", remedy)
    cuda = _torch_cuda()
    if cuda is None:
        return Finding(subject, "ok", f"{version}, CPU build (export needs no more)")
    return Finding(subject, "ok", f"{version}, built for CUDA {cuda}")


def _torch_cuda() -> str | None:
    """Read torch's own note of its CUDA version: importing torch would take seconds."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    note = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    found = re.search(r"^cuda[^=]*= *['\"]([\d.]+)['\"]", note, re.MULTILINE)
    return found[1] if found else None


def _insightface(subject: str) -> Finding:
    version, opencv = _version_of("insightface"), _first_installed(_OPENCV)
    remedy = "The oracle of every parity check: python -m pip install 'batchproof[validate]'"
    if version is None:
        return Finding(subject, "missing", f"insightface is not installed, {opencv or 'no OpenCV'}", remedy)
    if version != INSIGHTFACE_VERSION:
        return Finding(subject, "partial", f"insightface {version}, parity is pinned to {INSIGHTFACE_VERSION}", remedy)
    if opencv is None:
        return Finding(subject, "partial", f"insightface {version}, no OpenCV", remedy)
    return Finding(subject, "ok", f"insightface {version}, {opencv}")


def _deepstream(subject: str) -> Finding:
    application = shutil.which("deepstream-app")
    notes = sorted(SYSTEM_ROOT.glob("opt/nvidia/deepstream/*/version"))
    if application is not None:
        return Finding(subject, "ok", f"{application}{f' ({_line_of(notes[-1])})' if notes else ''}")
    remedy = "Would run the emitted bundles: docker pull nvcr.io/nvidia/deepstream:9.1-triton-multiarch (needs a GPU)"
    if notes:
        return Finding(subject, "partial", f"{notes[-1].parent} without deepstream-app on the PATH", remedy)
    return Finding(subject, "missing", "no deepstream-app and nothing in /opt/nvidia/deepstream", remedy)


def _triton(subject: str) -> Finding:
    server = shutil.which("tritonserver") or _existing("opt/tritonserver/bin/tritonserver")
    if server is not None:
        note = SYSTEM_ROOT / "opt/tritonserver/TRITON_VERSION"
        return Finding(subject, "ok", f"{server}{f' ({_line_of(note)})' if note.is_file() else ''}")
    remedy = "Would serve the emitted repository: docker pull nvcr.io/nvidia/tritonserver:26.07-py3"
    rehearsing = _version_of("nvidia-pytriton")
    if rehearsing is not None:
        return Finding(
            subject, "partial", f"that of nvidia-pytriton {rehearsing}, which rehearses without a GPU", remedy
        )
    return Finding(subject, "missing", "no tritonserver", f"{remedy}; nox -s rehearse brings one to rehearse with")


def _docker(subject: str) -> Finding:
    docker = shutil.which("docker")
    remedy = "Would run the DeepStream and Triton containers: install Docker and the NVIDIA Container Toolkit"
    if docker is None:
        return Finding(subject, "missing", "no docker", remedy)
    runtimes = _output(docker, "info", "--format", "{{json .Runtimes}}")
    if not runtimes.strip():
        return Finding(subject, "partial", f"{docker}, but its daemon does not answer", f"{remedy}; start its daemon")
    if "nvidia" not in runtimes:
        return Finding(subject, "partial", f"{docker} without the NVIDIA runtime", remedy)
    return Finding(subject, "ok", f"{docker} with the NVIDIA runtime")


def _output(*command: str) -> str:
    """What a command prints on success; nothing when it is absent, fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS_PER_COMMAND,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _first_line(*command: str) -> str:
    return _output(*command).strip().partition("\n")[0].strip()


def _line_of(path: Path) -> str:
    return " ".join(path.read_text(encoding="utf-8", errors="replace").split("\n")[0].split())


def _existing(relative: str) -> str | None:
    path = SYSTEM_ROOT / relative
    return str(path) if path.exists() else None


def _version_of(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _first_installed(distributions: tuple[str, ...]) -> str | None:
    versions = ((name, _version_of(name)) for name in distributions)
    return next((f"{name} {version}" for name, version in versions if version is not None), None)


_PROBES: dict[str, Callable[[str], Finding]] = {
    "GPU and driver": _gpu,
    "CUDA toolkit": _cuda_toolkit,
    "C++ compiler": _compiler,
    "TensorRT": _tensorrt,
    "TensorRT-RTX": _tensorrt_rtx,
    "ONNX Runtime": _onnxruntime,
    "PyTorch": _torch,
    "insightface": _insightface,
    "DeepStream": _deepstream,
    "Triton": _triton,
    "Docker": _docker,
}
