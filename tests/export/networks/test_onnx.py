"""What the exporter makes of each kind of network beside those of `tests/export/test_exporter.py`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper
from torch import nn

from batchproof.export.check import check_against_torch
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.seeded import seeded
from batchproof.policy import load_policy
from batchproof.verdict import Status

LIMITS = load_policy().export


def exported(network: nn.Module, name: str, folder: Path) -> onnx.ModelProto:
    export_onnx(network, CATALOGUE[name].spec, folder / "network.onnx", metadata={})
    return onnx.load(folder / "network.onnx")


def kinds(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


EMBEDDERS = ["iresnet18", "vit_t", "adaface_ir18", "mbf_w600k", "mbf_may_2021"]
DETECTORS = ["scrfd_500m_gnkps", "scrfd_2.5g_gnkps", "scrfd_crowdhuman_2.5g_bnkps"]


@pytest.mark.parametrize("name", [*EMBEDDERS, *DETECTORS])
def test_onnx_runtime_gives_what_torch_gives(name: str, tmp_path: Path) -> None:
    network = seeded(name, 0)
    exported(network, name, tmp_path)
    verdict = check_against_torch(network, CATALOGUE[name].spec, tmp_path / "network.onnx", name, LIMITS)
    assert verdict.status is Status.PASS, verdict
    assert verdict.figure is not None
    assert verdict.figure < 1e-5


def test_a_vision_transformer_reads_no_size_from_its_input(tmp_path: Path) -> None:
    model = exported(seeded("vit_t", 0), "vit_t", tmp_path)
    assert not {"Shape", "Gather", "Concat", "Slice"} & set(kinds(model))
    assert kinds(model)["LayerNormalization"] == 25


def distinct(name: str) -> nn.Module:
    """Give a network without two equal tensors, which the exporter would store once."""
    network = CATALOGUE[name].skeleton().to_empty(device="cpu").eval()
    for tensor in network.state_dict().values():
        tensor.uniform_(0.5, 1.5) if tensor.is_floating_point() else tensor.zero_()
    return network


def stored_bytes(model: onnx.ModelProto) -> int:
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in model.graph.initializer)


def test_iresnet50_becomes_the_graph_of_the_published_w600k_r50(tmp_path: Path) -> None:
    model = exported(distinct("iresnet50"), "iresnet50", tmp_path)
    published = {"Conv": 53, "BatchNormalization": 26, "PRelu": 25, "Add": 24, "Flatten": 1, "Gemm": 1}
    assert kinds(model) == published
    assert stored_bytes(model) == 174_363_904


def test_mbf_w600k_has_as_many_bytes_of_weights_as_the_published_file(tmp_path: Path) -> None:
    assert stored_bytes(exported(distinct("mbf_w600k"), "mbf_w600k", tmp_path)) == 13_601_792
