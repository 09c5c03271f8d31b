"""What differs between TensorRT 10, TensorRT 11 and TensorRT-RTX: the only module that knows them apart.

`load` imports native libraries. Call it in a process of its own (`tensorrt_worker`), once: Polygraphy decides at its
import which of both it drives.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

Backend = Literal["rtx", "tensorrt"]

NAMES: dict[Backend, str] = {"rtx": "TensorRT-RTX", "tensorrt": "TensorRT"}
_OLDEST_MAJOR: dict[Backend, int] = {"rtx": 1, "tensorrt": 10}
_SELECTOR = "POLYGRAPHY_USE_TENSORRT_RTX"
_RTX_LIBRARIES = "onnxruntime_ep_nv_tensorrt_rtx"
_RTX_BINDINGS = "tensorrt_rtx_bindings"
_HOW_TO_GET: dict[Backend, str] = {
    "rtx": "Install it with: python -m pip install 'batchproof[rtx]' (Linux x86-64, no GPU needed)",
    "tensorrt": "Its wheels come from NVIDIA's own package index, or use the DeepStream or "
    "Triton container; building needs an NVIDIA GPU",
}


@dataclass(frozen=True)
class Absent:
    """Why a backend cannot be used here, and how to get it."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class TensorRT:
    """An imported TensorRT. `builder_flags` and `network_flags` are the names that this release has."""

    backend: Backend
    version: str
    module: ModuleType
    builder_flags: frozenset[str]
    network_flags: frozenset[str]

    @property
    def needs_strongly_typed_flag(self) -> bool:
        """10.x types a network strongly only when asked; later ones always do, with or without a flag to say so."""
        return "STRONGLY_TYPED" in self.network_flags

    def create_config(self, profile: Any) -> Any:
        """Return Polygraphy's loader of a builder configuration with this one optimisation profile."""
        if self.backend == "rtx":
            from polygraphy.backend.tensorrt_rtx import CreateConfigRTX

            return CreateConfigRTX(profiles=[profile])
        from polygraphy.backend.trt import CreateConfig

        return CreateConfig(profiles=[profile])


def missing(backend: Backend) -> Absent | None:
    """Say what is not installed, without importing anything; None when `load` is worth trying."""
    if not _is_installed("polygraphy"):
        return _absent(backend, "Polygraphy is not installed")
    if backend == "tensorrt":
        return None if _is_installed("tensorrt") else _absent(backend, "the Python package tensorrt is not installed")
    if not _is_installed("tensorrt_rtx") and not _is_installed(_RTX_BINDINGS):
        return _absent(backend, f"the Python bindings ({_RTX_BINDINGS}) are not installed")
    return None


def load(backend: Backend) -> TensorRT | Absent:
    """Import a backend and tell Polygraphy to use it; `Absent` when it is not installed, does not load or is too old.

    Raises `RuntimeError` when this process has imported Polygraphy for the other backend.
    """
    absent = missing(backend)
    if absent is not None:
        return absent
    _select_for_polygraphy(backend)
    try:
        module = _import_rtx() if backend == "rtx" else importlib.import_module("tensorrt")
    except (ImportError, OSError, RuntimeError) as error:  # missing module, missing library, failing stub package
        return _absent(backend, f"its Python package does not load ({error})")
    version = str(module.__version__)
    if int(version.split(".")[0]) < _OLDEST_MAJOR[backend]:
        return _absent(backend, f"version {version} is older than {_OLDEST_MAJOR[backend]}.0")
    return TensorRT(backend, version, module, _members(module.BuilderFlag), _network_flags(module))


def has_cuda_driver() -> bool:
    """Whether a CUDA driver loads in this process and finds a device."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return cuda.cuInit(0) == 0 and cuda.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _import_rtx() -> ModuleType:
    """Import TensorRT-RTX; its libraries come with the ONNX Runtime plugin, which preloads them when imported."""
    if _is_installed(_RTX_LIBRARIES):
        importlib.import_module(_RTX_LIBRARIES)
    try:
        return importlib.import_module("tensorrt_rtx")
    except ModuleNotFoundError as error:
        if error.name != "tensorrt_rtx":
            raise
    # The package tensorrt_rtx only re-exports its bindings, and comes with libraries from a vendor's index.
    bindings = importlib.import_module(_RTX_BINDINGS)
    sys.modules["tensorrt_rtx"] = bindings
    return bindings


def _select_for_polygraphy(backend: Backend) -> None:
    wanted = backend == "rtx"
    imported = sys.modules.get("polygraphy.config")
    if imported is not None and bool(imported.USE_TENSORRT_RTX) != wanted:
        raise RuntimeError(f"Polygraphy is already imported for the other backend, so {NAMES[backend]} needs a process")
    os.environ[_SELECTOR] = "1" if wanted else "0"


def _network_flags(module: ModuleType) -> frozenset[str]:
    """11 announces the end of these flags, so the whole enumeration may be gone one day."""
    flags = vars(module).get("NetworkDefinitionCreationFlag")
    return frozenset() if flags is None else _members(flags)


def _members(enumeration: Any) -> frozenset[str]:
    return frozenset(enumeration.__members__)


def _is_installed(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    return importlib.util.find_spec(module) is not None


def _absent(backend: Backend, reason: str) -> Absent:
    return Absent(f"{NAMES[backend]}: {reason}", _HOW_TO_GET[backend])
