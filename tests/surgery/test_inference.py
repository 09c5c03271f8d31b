from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from batchproof.surgery.inference import Dims, infer
from tests.surgery.tiny_graphs import constant, detector, embedder, graph, node, tensor, to_ir, weights

IMAGE = (5, 3, 64, 96)


def _inferred(nodes: list[onnx.NodeProto], held: dict[str, object], opset: int = 11) -> dict[str, Dims]:
    return infer(to_ir(graph(nodes, {nodes[-1].output[0]: None}, held, opset=opset)), IMAGE)


def test_what_the_file_declares_is_not_believed() -> None:
    proto = detector()
    proto.graph.value_info.append(tensor("c8", [1, 8, 1, 1]))
    assert infer(to_ir(proto), IMAGE)["c8"] == (5, 8, 8, 12)


def test_the_model_is_not_touched() -> None:
    proto = embedder()
    before = proto.SerializeToString()
    assert infer(to_ir(proto), (5, 3, 112, 112))["embedding_raw"] == (1, 1280)
    assert proto.SerializeToString() == before


def test_the_group_norm_of_torch_is_seen_through() -> None:
    nodes = [
        node("Conv", ["image", "w"], "x", strides=[8, 8]),
        node("Reshape", ["x", "groups"], "grouped"),
        node("InstanceNormalization", ["grouped", "one", "zero"], "normalised"),
        node("Shape", ["x"], "shape"),
        node("Reshape", ["normalised", "shape"], "out"),
    ]
    held = {
        "w": weights((8, 3, 8, 8)),
        "groups": [0, 4, -1],
        "one": np.ones(4, np.float32),
        "zero": np.zeros(4, np.float32),
    }
    assert _inferred(nodes, held)["out"] == (5, 8, 8, 12)


@pytest.mark.parametrize("opset", [11, 13])
def test_sizes_computed_from_shapes_are_carried_out(opset: int) -> None:
    unsqueeze: dict[str, Any] = {"axes": [0]} if opset == 11 else {}
    nodes = [
        node("Shape", ["image"], "shape"),
        constant("two", 2),
        node("Gather", ["shape", "two"], "height"),
        node("Unsqueeze", ["height"] if opset == 11 else ["height", "zero"], "height_1", **unsqueeze),
        node("Slice", ["shape", "zero", "end"], "front"),
        node("Concat", ["front", "height_1", "height_1"], "sizes", axis=0),
        node("Resize", ["image", "roi", "roi", "sizes"], "out"),
    ]
    held = {"zero": [0], "end": [2], "roi": np.zeros(0, np.float32)}
    assert _inferred(nodes, held, opset)["out"] == (5, 3, 64, 64)


def test_an_unknown_operator_hides_what_follows_it_only() -> None:
    nodes = [
        helper.make_node("Mystery", ["image"], ["dark"], "mystery", domain="elsewhere"),
        node("Relu", ["dark"], "darker"),
        node("Relu", ["image"], "out"),
    ]
    inferred = _inferred(nodes, {})
    assert "dark" not in inferred
    assert "darker" not in inferred
    assert inferred["out"] == IMAGE


def test_shapes_that_do_not_fit_hide_what_follows_only() -> None:
    nodes = [
        node("Add", ["image", "seven"], "broken"),
        node("Relu", ["broken"], "hidden"),
        node("Relu", ["image"], "out"),
    ]
    inferred = _inferred(nodes, {"seven": np.zeros(7, np.float32)})
    assert "hidden" not in inferred
    assert inferred["out"] == IMAGE


def test_arithmetic_that_fails_stays_unknown() -> None:
    nodes = [
        node("Shape", ["image"], "shape"),
        node("Gather", ["shape", "nine"], "beyond"),
        node("Reshape", ["image", "beyond"], "out"),
    ]
    inferred = _inferred(nodes, {"nine": [9]})
    assert inferred["beyond"] == (1,)
    assert "out" not in inferred


def test_contents_that_depend_on_the_image_stay_unknown() -> None:
    nodes = [node("NonZero", ["image"], "out")]
    assert _inferred(nodes, {})["out"] == (4, None)
