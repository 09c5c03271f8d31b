import os
import subprocess
import sys
from enum import Enum, IntFlag
from types import ModuleType, SimpleNamespace

import pytest

from batchproof.build.tensorrt.compat import Absent, TensorRT, load, missing

Flag = Enum("Flag", ["STRONGLY_TYPED"])
BuilderFlag = Enum("BuilderFlag", ["TF32", "REFIT", "VERSION_COMPATIBLE"])
Level = Enum("Level", ["NONE", "AMPERE_PLUS"])
Capability = Enum("Capability", ["NONE", "CURRENT", "SM86"])


@pytest.fixture(autouse=True)
def _polygraphy_for_enterprise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polygraphy.config", SimpleNamespace(USE_TENSORRT_RTX=False))
    monkeypatch.setenv("POLYGRAPHY_USE_TENSORRT_RTX", "1")


def install_tensorrt(monkeypatch: pytest.MonkeyPatch, version: str, **members: object) -> None:
    module = ModuleType("tensorrt")
    vars(module).update(members, __version__=version, BuilderFlag=BuilderFlag)
    monkeypatch.setitem(sys.modules, "tensorrt", module)


def test_tensorrt_10_is_asked_for_strong_types(monkeypatch: pytest.MonkeyPatch) -> None:
    install_tensorrt(monkeypatch, "10.16.0.72", NetworkDefinitionCreationFlag=Flag)
    tensorrt = load("tensorrt")
    assert isinstance(tensorrt, TensorRT)
    assert tensorrt.needs_strongly_typed_flag
    assert tensorrt.builder_flags == {"TF32", "REFIT", "VERSION_COMPATIBLE"}
    assert os.environ["POLYGRAPHY_USE_TENSORRT_RTX"] == "0"


def test_what_a_release_has_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    install_tensorrt(monkeypatch, "11.4.1", HardwareCompatibilityLevel=Level, ComputeCapability=Capability)
    tensorrt = load("tensorrt")
    assert isinstance(tensorrt, TensorRT)
    assert tensorrt.hardware_levels == {"NONE", "AMPERE_PLUS"}
    assert tensorrt.compute_capabilities == set(), "it builds for the GPU that it runs on"


def test_rtx_has_names_with_nothing_behind_them() -> None:
    """Asked of the real one, in a process of its own."""
    code = (
        "from batchproof.build.tensorrt.compat import load; found = load('rtx');"
        "print(found.module.BuilderFlag.VERSION_COMPATIBLE.name, found.module.HardwareCompatibilityLevel.NONE.name);"
        "print('VERSION_COMPATIBLE' in found.builder_flags, sorted(found.hardware_levels));"
        "print('EDITABLE_TIMING_CACHE' in found.builder_flags, *sorted(found.compute_capabilities));"
        "print(found.obstacles(b'no engine' * 99, found.runtime()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "VERSION_COMPATIBLE NONE",
        "False []",
        "True CURRENT SM120 SM121 SM75 SM80 SM86 SM89",
        "('MALFORMED_ENGINE',)",
    ]


@pytest.mark.parametrize(
    ("validity", "found", "obstacles"),
    [(0, 0, ()), (1, 6, ()), (2, 2, ("UNSUPPORTED_CC",)), (2, 6, ("UNSUPPORTED_CC", "OLD_CUDA_DRIVER")), (2, 0, ())],
)
def test_obstacles_are_named(validity: int, found: int, obstacles: tuple[str, ...]) -> None:
    module = ModuleType("tensorrt_rtx")
    causes = IntFlag("causes", {"VERSION_MISMATCH": 1, "UNSUPPORTED_CC": 2, "OLD_CUDA_DRIVER": 4})
    vars(module).update(EngineValidity=SimpleNamespace(INVALID=2), EngineInvalidityDiagnostics=causes)
    runtime = SimpleNamespace(get_engine_validity=lambda engine: (validity, found))
    none = frozenset[str]()
    assert TensorRT("rtx", "1.7.1", module, none, none, none, none).obstacles(b"engine", runtime) == obstacles
    assert TensorRT("tensorrt", "10.9", module, none, none, none, none).obstacles(b"engine", runtime) == ()


def test_a_release_without_network_flags_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    install_tensorrt(monkeypatch, "11.9.0")
    tensorrt = load("tensorrt")
    assert isinstance(tensorrt, TensorRT)
    assert not tensorrt.needs_strongly_typed_flag


def test_an_old_release_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    install_tensorrt(monkeypatch, "8.6.1")
    absent = load("tensorrt")
    assert isinstance(absent, Absent)
    assert absent.reason == "TensorRT: version 8.6.1 is older than 10.0"


def test_one_process_serves_one_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="TensorRT-RTX needs a process"):
        load("rtx")


@pytest.mark.parametrize(
    ("hidden", "reason"),
    [
        (("polygraphy",), "TensorRT-RTX: Polygraphy is not installed"),
        (("tensorrt_rtx", "tensorrt_rtx_bindings"), "TensorRT-RTX: the Python bindings (tensorrt_rtx_bindings)"),
    ],
)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...], reason: str) -> None:
    assert missing("rtx") is None
    for module in hidden:
        monkeypatch.setitem(sys.modules, module, None)
    absent = missing("rtx")
    assert absent is not None
    assert absent.reason.startswith(reason)
    assert "batchproof[rtx]" in absent.remedy


def test_importing_the_stage_imports_nothing_heavy() -> None:
    heavy = "('onnxruntime', 'polygraphy', 'tensorrt_rtx_bindings', 'torch')"
    stage = "batchproof.build.tensorrt.engine, batchproof.build.onnxruntime.session"
    code = f"import sys, {stage}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
