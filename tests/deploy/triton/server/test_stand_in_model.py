from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.triton.serving.triton_stand_in import Triton

NAME = "batchproof.deploy.triton.server.stand_in_model"
NETWORK = "batchproof.deploy.triton.serving.network.model"


@pytest.fixture
def triton() -> Triton:
    return Triton()


@pytest.fixture
def model(triton: Triton, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", triton.module())
    monkeypatch.setitem(sys.modules, "onnx_network", importlib.import_module(NETWORK))
    yield importlib.import_module(NAME).TritonPythonModel()
    for name in (NAME, NETWORK):
        del sys.modules[name]


def test_the_network_itself_runs_where_it_lies(model: Any, triton: Triton, tmp_path: Path) -> None:
    folder = tmp_path / "model_repository" / "det.fp32"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.onnx").touch()
    assert model.onnx_file(folder, "1") == folder / "1" / "model.onnx"
    assert triton.logged == [
        f"det.fp32: backend server is a stand-in, ONNX Runtime on the CPU runs {folder / '1' / 'model.onnx'}"
    ]


def test_for_a_plan_the_file_that_it_is_built_from_runs(model: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model_repository" / "det.fp16"
    assert model.onnx_file(folder, "1") == tmp_path / "engines" / "det.fp16.onnx"
