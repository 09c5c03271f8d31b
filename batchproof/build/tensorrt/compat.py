"""What differs between TensorRT 10, TensorRT 11 and TensorRT-RTX: the only module that knows them apart.

`load` imports native libraries. Call it in a process of its own (`worker`), once: Polygraphy decides at its
import which of both it drives.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from batchproof.errors import StepNotRunError

Backend = Literal["rtx", "tensorrt"]

NAMES: dict[Backend, str] = {"rtx": "TensorRT-RTX", "tensorrt": "TensorRT"}
_OLDEST_MAJOR: dict[Backend, int] = {"rtx": 1, "tensorrt": 10}
_SELECTOR = "POLYGRAPHY_USE_TENSORRT_RTX"
_RTX_LIBRARIES = "onnxruntime_ep_nv_tensorrt_rtx"
_RTX_BINDINGS = "tensorrt_rtx_bindings"
# TensorRT-RTX 1.7 carries these names and has nothing behind them: it looks for a library that it does not bring.
_RTX_HOLLOW_FLAGS = frozenset({"VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME"})
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

    @property
    def error(self) -> StepNotRunError:
        """What a build raises for it."""
        return StepNotRunError(self.reason, remedy=self.remedy)


@dataclass(frozen=True)
class TensorRT:
    """An imported TensorRT, with the names that this release has of each kind and does something with."""

    backend: Backend
    version: str
    module: ModuleType
    builder_flags: frozenset[str]
    network_flags: frozenset[str]
    hardware_levels: frozenset[str]
    compute_capabilities: frozenset[str]

    @property
    def needs_strongly_typed_flag(self) -> bool:
        """10.x types a network strongly only when asked; later ones always do, with or without a flag to say so."""
        return "STRONGLY_TYPED" in self.network_flags

    def create_config(self, profiles: Sequence[Any], configure: Callable[[Any], None]) -> Any:
        """Return Polygraphy's loader of a builder configuration with these profiles, which `configure` completes."""
        from polygraphy.backend.trt import CreateConfig, PostprocessConfig

        create = CreateConfig(profiles=list(profiles)) if self.backend == "tensorrt" else _create_rtx_config(profiles)
        return PostprocessConfig(create, lambda builder, network, config: configure(config))

    def runtime(self) -> Any:
        """Return what loads engines; it logs where Polygraphy does."""
        from polygraphy.backend.trt import get_trt_logger

        return self.module.Runtime(get_trt_logger())

    def obstacles(self, engine: bytes, runtime: Any) -> tuple[str, ...]:
        """Name why TensorRT-RTX cannot load an engine on this GPU, such as `UNSUPPORTED_CC`; TensorRT cannot tell."""
        if self.backend == "tensorrt":
            return ()
        validity, found = runtime.get_engine_validity(engine)
        if validity != self.module.EngineValidity.INVALID:
            return ()
        members = self.module.EngineInvalidityDiagnostics.__members__.items()
        return tuple(name for name, member in members if int(found) & int(member))


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
    return _described(backend, version, module)


def _described(backend: Backend, version: str, module: ModuleType) -> TensorRT:
    rtx = backend == "rtx"
    return TensorRT(
        backend,
        version,
        module,
        builder_flags=_members(module, "BuilderFlag") - (_RTX_HOLLOW_FLAGS if rtx else frozenset()),
        network_flags=_members(module, "NetworkDefinitionCreationFlag"),
        # RTX keeps the enumeration, says that it does not support it, and builds on.
        hardware_levels=frozenset() if rtx else _members(module, "HardwareCompatibilityLevel"),
        # TensorRT builds for the GPU that it runs on, whatever its module lists.
        compute_capabilities=_members(module, "ComputeCapability") - {"NONE"} if rtx else frozenset(),
    )


def _create_rtx_config(profiles: Sequence[Any]) -> Any:
    from polygraphy.backend.tensorrt_rtx import CreateConfigRTX

    return CreateConfigRTX(profiles=list(profiles))


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


def _members(module: ModuleType, enumeration: str) -> frozenset[str]:
    """List an enumeration; releases add and remove whole ones."""
    found = vars(module).get(enumeration)
    return frozenset() if found is None else frozenset(found.__members__)


def _is_installed(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    return importlib.util.find_spec(module) is not None


def _absent(backend: Backend, reason: str) -> Absent:
    return Absent(f"{NAMES[backend]}: {reason}", _HOW_TO_GET[backend])
