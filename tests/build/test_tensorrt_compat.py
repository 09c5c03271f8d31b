import os
import subprocess
import sys
from enum import Enum
from types import ModuleType, SimpleNamespace

import pytest

from batchproof.build.tensorrt_compat import Absent, TensorRT, load, missing

Flag = Enum("Flag", ["STRONGLY_TYPED"])
BuilderFlag = Enum("BuilderFlag", ["TF32", "REFIT"])


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
    assert tensorrt.builder_flags == {"TF32", "REFIT"}
    assert os.environ["POLYGRAPHY_USE_TENSORRT_RTX"] == "0"


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
    stage = "batchproof.build.tensorrt_engine, batchproof.build.onnxruntime_session"
    code = f"import sys, {stage}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
