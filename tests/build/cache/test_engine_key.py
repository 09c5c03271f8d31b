from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from batchproof.build.cache.engine_key import engine_key
from batchproof.build.provenance import Gpu, Provenance
from batchproof.build.tensorrt.compat import Backend
from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError
from batchproof.profile import Profile
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

RTX = Provenance("rtx", (("tensorrt-rtx", "1.7.1.116"),), "Linux x86_64", None)
ENTERPRISE = Provenance(
    "tensorrt", (("tensorrt", "10.9.0.34"),), "Linux x86_64", Gpu("NVIDIA H200", "9.0", "580.65.06")
)
ONE = Profile(1, 4, 8, height=64, width=96).input_shapes(SPEC)
OTHER = Profile(1, 1, 1, height=64, width=96).input_shapes(SPEC)


def sha256(onnx_file: Path, **changed: Any) -> str:
    usual: dict[str, Any] = {"precision": "fp32", "shapes": [ONE, OTHER], "options": EngineOptions(), "provenance": RTX}
    return engine_key(onnx_file, **(usual | changed)).sha256


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    return tiny_graphs.detector(tmp_path / "tiny.onnx")


def test_the_same_graph_under_another_name_has_the_same_key(graph: Path) -> None:
    before = sha256(graph)
    assert sha256(graph.rename(graph.with_name("copy.onnx"))) == before


@pytest.mark.parametrize(
    "changed",
    [
        {"precision": "fp16"},
        {"shapes": [ONE]},
        {"shapes": [OTHER, ONE]},
        {"options": EngineOptions(tf32=True)},
        {"options": EngineOptions(compute_capabilities=("8.6",))},
        {"timing_cache": "0" * 64},
        {"provenance": replace(RTX, packages=(("tensorrt-rtx", "1.7.1.117"),))},
        {"provenance": replace(RTX, platform="Windows AMD64")},
        {"provenance": ENTERPRISE},
    ],
    ids=str,
)
def test_whatever_decides_an_engine_changes_its_key(graph: Path, changed: dict[str, Any]) -> None:
    assert sha256(graph, **changed) != sha256(graph)


def test_other_weights_in_an_external_file_change_the_key(tmp_path: Path) -> None:
    keys = []
    for seed in (0, 1):
        graph = tiny_graphs.detector(tmp_path / "tiny.onnx", weights_seed=seed)
        model = onnx.load(graph)
        (tmp_path / "weights").unlink(missing_ok=True)
        onnx.save(model, graph, save_as_external_data=True, location="weights", size_threshold=0)
        keys.append((graph.read_bytes(), sha256(graph)))
    assert keys[0][0] == keys[1][0]
    assert keys[0][1] != keys[1][1]


@pytest.mark.parametrize(
    "gpu",
    [
        Gpu("NVIDIA H200 NVL", "9.0", "580.65.06"),
        Gpu("NVIDIA H200", "9.1", "580.65.06"),
        Gpu("NVIDIA H200", "9.0", "590.44.01"),
        None,
    ],
    ids=str,
)
@pytest.mark.parametrize("builder", ["rtx", "tensorrt"])
def test_another_gpu_or_driver_changes_the_key(graph: Path, gpu: Gpu | None, builder: Backend) -> None:
    here = replace(ENTERPRISE, builder=builder)
    assert sha256(graph, provenance=here) != sha256(graph, provenance=replace(here, gpu=gpu))


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"\xff" * 9)])
def test_what_is_no_onnx_has_no_key(graph: Path, damage: Callable[[Path], object]) -> None:
    damage(graph)
    with pytest.raises(InputError):
        sha256(graph)


@pytest.mark.parametrize(
    ("edited", "counts"),
    [
        ("tensorrt/worker.py", True),
        ("output_check.py", True),
        ("container/flags.py", False),
        ("onnxruntime/session.py", False),
    ],
)
def test_an_edited_builder_changes_the_key_and_an_edited_script_does_not(
    graph: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, edited: str, counts: bool
) -> None:
    from batchproof.build.cache import engine_key as module

    copy = tmp_path / "build"
    shutil.copytree(module._BUILD, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "_BUILD", copy)
    keys = []
    for code in ("flags = 1", "flags = 2"):
        (copy / edited).parent.mkdir(exist_ok=True)
        (copy / edited).write_text(code)
        module._own_source.cache_clear()
        keys.append(sha256(graph))
    module._own_source.cache_clear()
    assert (keys[0] != keys[1]) == counts
