from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replaced
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from batchproof.export import check
from batchproof.export.check import check_against_torch
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.seeded import seeded
from batchproof.policy import load_policy
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.verdict import Status

LIMITS = load_policy().export
DETECTOR, EMBEDDER = "scrfd_500m_bnkps", "mobilefacenet_112"


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return seeded(DETECTOR, 1)


@pytest.fixture
def path(network: nn.Module, tmp_path: Path) -> Path:
    export_onnx(network, CATALOGUE[DETECTOR].spec, tmp_path / "detector.onnx", metadata={})
    return tmp_path / "detector.onnx"


def edit(path: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)


def replace(model: onnx.ModelProto, name: str, value: np.ndarray) -> None:
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(value, name))


def test_a_true_export_passes_with_its_figure(network: nn.Module, path: Path) -> None:
    verdict = check_against_torch(network, CATALOGUE[DETECTOR].spec, path, "detector", LIMITS)
    assert (verdict.check, verdict.subject, verdict.status) == ("export.parity", "detector", Status.PASS)
    assert verdict.figure is not None
    assert 0 < verdict.figure < LIMITS.parity / 5
    assert verdict.threshold == LIMITS.parity
    assert verdict.witness is not None


def test_the_limit_is_the_policy_s(network: nn.Module, path: Path) -> None:
    stricter = replaced(LIMITS, parity=1e-9)
    verdict = check_against_torch(network, CATALOGUE[DETECTOR].spec, path, "detector", stricter)
    assert (verdict.status, verdict.threshold) == (Status.FAIL, 1e-9)


def test_a_true_embedder_passes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    embedder, spec = CATALOGUE[EMBEDDER].build(), CATALOGUE[EMBEDDER].spec
    export_onnx(embedder, spec, tmp_path / "embedder.onnx", metadata={})
    assert check_against_torch(embedder, spec, tmp_path / "embedder.onnx", "embedder", LIMITS)


def test_other_weights_fail_and_name_output_row_and_batch(path: Path) -> None:
    verdict = check_against_torch(seeded(DETECTOR, 2), CATALOGUE[DETECTOR].spec, path, "detector", LIMITS)
    assert verdict.status is Status.FAIL
    assert verdict.figure is not None
    assert verdict.figure > 0.1
    assert verdict.witness is not None
    assert "output '" in verdict.witness
    assert "row " in verdict.witness


def test_a_small_error_in_one_output_fails(network: nn.Module, path: Path) -> None:
    def shift(model: onnx.ModelProto) -> None:
        weight = next(t for t in model.graph.initializer if t.name == "bbox_head.stride_kps.(16, 16).weight")
        replace(model, weight.name, numpy_helper.to_array(weight) * np.float32(1.01))

    edit(path, shift)
    verdict = check_against_torch(network, CATALOGUE[DETECTOR].spec, path, "detector", LIMITS)
    assert verdict.status is Status.FAIL
    assert verdict.witness is not None
    assert verdict.witness.startswith("output 'kps_16'")


def test_a_batch_frozen_in_the_graph_fails(network: nn.Module, path: Path) -> None:
    edit(path, lambda model: replace(model, "bbox_32_rows", np.array([1, -1, 4])))
    verdict = check_against_torch(network, CATALOGUE[DETECTOR].spec, path, "detector", LIMITS)
    assert verdict.status is Status.FAIL
    assert "output 'bbox_32' is [1, 16, 4] where PyTorch gives [2, 8, 4]" in verdict.reason


def test_nan_fails(network: nn.Module, path: Path) -> None:
    def poison(model: onnx.ModelProto) -> None:
        bias = model.graph.node[0].input[2]
        replace(model, bias, np.full(16, np.nan, dtype=np.float32))

    edit(path, poison)
    assert check_against_torch(network, CATALOGUE[DETECTOR].spec, path, "detector", LIMITS).status is Status.FAIL


@pytest.mark.parametrize("broken", [True, False])
def test_the_optimiser_is_tried_on_and_off(
    network: nn.Module, path: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    class Broken(OnnxRuntimeRunner):
        def infer(self, images: Blob) -> Outputs:
            shift = np.float32(self.optimised is broken)
            return {name: output + shift for name, output in super().infer(images).items()}

    monkeypatch.setattr(check, "OnnxRuntimeRunner", Broken)
    verdict = check_against_torch(network, CATALOGUE[DETECTOR].spec, path, "detector", LIMITS)
    assert verdict.status is Status.FAIL
    assert verdict.witness is not None
    assert verdict.witness.endswith("cpu, optimised" if broken else "not optimised")


def test_a_missing_output_fails(network: nn.Module, path: Path) -> None:
    edit(path, lambda model: model.graph.output.pop())
    verdict = check_against_torch(network, CATALOGUE[DETECTOR].spec, path, "detector", LIMITS)
    assert verdict.status is Status.FAIL
    assert "gives no output 'kps_32'" in verdict.reason


def test_a_file_that_does_not_load_fails(network: nn.Module, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])
    verdict = check_against_torch(network, CATALOGUE[DETECTOR].spec, path, "detector", LIMITS)
    assert verdict.status is Status.FAIL
    assert "ONNX Runtime cannot load this model" in verdict.reason
