from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper

from batchproof.bench.graph_work import work_of_one
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE, architecture
from tests.bench.graphs import graph, shaped

CONV = helper.make_node("Conv", ["image", "w"], ["map"], strides=[2, 2], pads=[1, 1, 1, 1])
GROUPED = helper.make_node("Conv", ["image", "w"], ["map"], group=4)
SPREAD = helper.make_node("ConvTranspose", ["image", "w"], ["map"], strides=[2, 2])
FLAT = helper.make_node("Flatten", ["image"], ["flat"])
GEMM = helper.make_node("Gemm", ["flat", "w"], ["map"], transB=1)
TURNED = helper.make_node("Gemm", ["w", "flat"], ["map"], transA=1, transB=1)
MATMUL = helper.make_node("MatMul", ["image", "w"], ["map"])


@pytest.mark.parametrize(
    ("nodes", "weight", "image", "macs"),
    [
        ([CONV], (16, 3, 3, 3), (1, 3, 8, 6), 16 * 4 * 3 * 3 * 3 * 3),
        ([GROUPED], (8, 1, 3, 3), (1, 4, 5, 5), 8 * 3 * 3 * 1 * 3 * 3),
        ([SPREAD], (3, 5, 2, 2), (1, 3, 4, 4), 3 * 4 * 4 * 5 * 2 * 2),
        ([FLAT, GEMM], (7, 12), (1, 3, 2, 2), 7 * 12),
        ([FLAT, TURNED], (12, 7), (1, 3, 2, 2), 7 * 12),
        ([MATMUL], (6, 9), (1, 3, 4, 6), 3 * 4 * 9 * 6),
    ],
    ids=["Conv", "Conv with groups", "ConvTranspose", "Gemm", "Gemm of the transposed", "MatMul"],
)
def test_multiply_accumulates_are_those_counted_by_hand(
    nodes: Sequence[onnx.NodeProto], weight: Sequence[int], image: Sequence[int], macs: int
) -> None:
    work = work_of_one(graph(nodes, {"w": weight}, image, "map"), image)
    assert (work.macs, work.unknown) == (macs, ())
    assert work.flops(3) == 2 * macs * 3


@pytest.mark.parametrize(("dtype", "item"), [(np.float32, 4), (np.float16, 2)])
def test_bytes_are_weights_once_a_batch_and_each_activation_written_and_read(dtype: type, item: int) -> None:
    relu = helper.make_node("Relu", ["map"], ["relu"])
    flat = helper.make_node("Flatten", ["relu"], ["out"])
    work = work_of_one(graph([CONV, relu, flat], {"w": (16, 3, 3, 3)}, (1, 3, 8, 8), "out", dtype), (1, 3, 8, 8))
    image, map_ = 3 * 8 * 8, 16 * 4 * 4
    assert work.weight_bytes == 16 * 27 * item
    assert work.activation_bytes == (image + 2 * map_ + 2 * map_) * item  # Flatten is another view of the same bytes
    assert work.bytes(5) == work.weight_bytes + 5 * work.activation_bytes


def test_what_leaves_the_graph_is_not_read_in_it() -> None:
    work = work_of_one(graph([CONV], {"w": (16, 3, 3, 3)}, (1, 3, 8, 8), "map"), (1, 3, 8, 8))
    assert work.activation_bytes == (3 * 8 * 8 + 16 * 4 * 4) * 4


def test_shapes_that_the_graph_computes_are_followed() -> None:
    """As SCRFD's neck does: the size of a Resize is that of another tensor."""
    nodes = [
        CONV,
        helper.make_node("Shape", ["image"], ["whole"]),
        *(shaped(name, [value]) for name, value in (("two", 2), ("four", 4), ("zero", 0))),
        helper.make_node("Slice", ["whole", "two", "four", "zero"], ["size"]),
        shaped("head", [1, 16]),
        helper.make_node("Concat", ["head", "size"], ["sizes"], axis=0),
        helper.make_node("Resize", ["map", "", "", "sizes"], ["large"], mode="nearest"),
        helper.make_node("Conv", ["large", "w2"], ["out"]),
    ]
    model = graph(nodes, {"w": (16, 3, 3, 3), "w2": (4, 16, 1, 1)}, ("N", 3, "H", "W"), "out")
    work = work_of_one(model, (1, 3, 8, 8))
    assert (work.macs, work.unknown) == (16 * 16 * 27 + 4 * 64 * 16, ())


def test_operators_without_a_rule_are_named_with_their_number() -> None:
    nodes = [CONV, helper.make_node("Relu", ["map"], ["a"]), helper.make_node("Relu", ["a"], ["out"])]
    work = work_of_one(graph(nodes, {"w": (16, 3, 3, 3)}, (1, 3, 8, 8), "out"), (1, 3, 8, 8))
    assert work.not_counted == {"Relu": 2}


def test_tensors_of_unknown_shape_are_named() -> None:
    nodes = [
        helper.make_node("NonZero", ["image"], ["places"]),
        helper.make_node("Cast", ["places"], ["out"], to=1),
    ]
    assert work_of_one(graph(nodes, {}, (1, 3, 8, 8), "out"), (1, 3, 8, 8)).unknown == ("places", "out")


@pytest.mark.parametrize(
    ("name", "size", "gigamacs"),
    [("scrfd_500m_bnkps", (480, 640), 0.5), ("scrfd_10g_bnkps", (480, 640), 10.0), ("iresnet50", (112, 112), 6.3)],
)
def test_architectures_have_the_work_that_they_are_named_after(
    tmp_path: Path, name: str, size: tuple[int, int], gigamacs: float
) -> None:
    """SCRFD's names are multiply-accumulates at VGA resolution, 640x480; at 640x640 there are a third more."""
    path, spec = tmp_path / "network.onnx", CATALOGUE[name].spec
    export_onnx(_of_zeros(name), spec, path, metadata={})
    work = work_of_one(onnx.load(path), spec.input.shape(1, *size))
    assert work.macs / 1e9 == pytest.approx(gigamacs, rel=0.11)
    assert work.unknown == ()


def _of_zeros(name: str) -> torch.nn.Module:
    """The true architecture; weights, which no count depends on, take ten seconds to draw."""
    network = architecture(name).skeleton().to_empty(device="cpu").eval()
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.zero_()
    return network
