"""What an engine comes from beside its graph: the packages that built it, and the GPU that they built it on."""

from __future__ import annotations

import ctypes
import platform
import re
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from typing import Any

from batchproof.build.tensorrt.compat import Backend

_OK = 0
_NAME_BYTES = 256
# CUdevice_attribute: compute capability, major and minor.
_CAPABILITY = (75, 76)
# What the packages of each begin with that bear its release as their version: the plugin of ONNX Runtime has its own.
_NAMES: dict[Backend, str] = {"rtx": "tensorrt-rtx", "tensorrt": "tensorrt"}
# Bindings, libraries and the packages that name both: a release is spread over several, whose names carry CUDA's.
_PACKAGES: dict[Backend, re.Pattern[str]] = {
    "rtx": re.compile(r"(onnxruntime-ep-nv-)?tensorrt-rtx(-cu\d+)?(-bindings|-libs)?|polygraphy"),
    "tensorrt": re.compile(r"tensorrt(-cu\d+)?(-bindings|-libs)?|polygraphy"),
}


@dataclass(frozen=True)
class Gpu:
    """The GPU that CUDA gives this process first: its name, compute capability such as `8.6`, and its driver."""

    name: str
    capability: str
    driver: str


@dataclass(frozen=True)
class Provenance:
    """Builder, exact versions of its packages, platform, and the GPU; None where CUDA finds none.

    The GPU counts for TensorRT-RTX as well, which compiles without one: where there is one the engine is executed.
    """

    builder: Backend
    packages: tuple[tuple[str, str], ...]
    platform: str
    gpu: Gpu | None

    @property
    def release(self) -> str | None:
        """The release of the builder; None when no package of it is installed."""
        own = _NAMES[self.builder]
        return next((version for name, version in self.packages if name.startswith(own)), None)

    @property
    def facts(self) -> dict[str, Any]:
        """All of it as JSON-ready data: for the manifest, and for the keys of step and engine."""
        return {**asdict(self), "packages": dict(self.packages)}


@cache
def provenance(builder: Backend) -> Provenance:
    """Look at this machine, once; needs neither TensorRT nor a GPU."""
    return Provenance(builder, _versions(builder), f"{platform.system()} {platform.machine()}", gpu())


@cache
def gpu() -> Gpu | None:
    """Ask CUDA for its first device; None without a driver or a device.

    CUDA and not nvidia-smi, which numbers devices in another order and knows nothing of CUDA_VISIBLE_DEVICES.
    """
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    device, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
    found = (
        cuda.cuInit(0) == _OK
        and cuda.cuDeviceGet(ctypes.byref(device), 0) == _OK
        and cuda.cuDeviceGetName(name, _NAME_BYTES, device) == _OK
    )
    return Gpu(name.value.decode(), _capability(cuda, device), _driver(cuda)) if found else None


def _capability(cuda: ctypes.CDLL, device: ctypes.c_int) -> str:
    numbers = (ctypes.c_int(), ctypes.c_int())
    for number, attribute in zip(numbers, _CAPABILITY, strict=True):
        cuda.cuDeviceGetAttribute(ctypes.byref(number), attribute, device)
    return ".".join(str(number.value) for number in numbers)


def _driver(cuda: ctypes.CDLL) -> str:
    """Ask NVML for the exact version; a Jetson may have none, and says at least which CUDA its driver is for."""
    try:
        management = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        release = ctypes.c_int()
        cuda.cuDriverGetVersion(ctypes.byref(release))
        return f"for CUDA {release.value // 1000}.{release.value % 1000 // 10}"
    version = ctypes.create_string_buffer(_NAME_BYTES)
    management.nvmlInit_v2()
    management.nvmlSystemGetDriverVersion(version, _NAME_BYTES)
    management.nvmlShutdown()
    return version.value.decode()


def _versions(builder: Backend) -> tuple[tuple[str, str], ...]:
    """Exact versions of the installed packages of a builder, sorted by name."""
    names = {found.name.lower().replace("_", "-"): found.version for found in metadata.distributions() if found.name}
    return tuple(sorted((name, names[name]) for name in names if _PACKAGES[builder].fullmatch(name)))
