from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from batchproof.surgery.fp16.summary import LostWeights, summarise
from tests.surgery.tiny_graphs import constant, graph, node


def _halved(model: onnx.ModelProto, *names: str) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        if tensor.name in names:
            with np.errstate(over="ignore"):
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    return copy


def test_nodes_are_counted_by_the_type_that_inference_gives_them() -> None:
    nodes = [
        node("Cast", ["image"], "half", to=TensorProto.FLOAT16),
        node("Relu", ["half"], "a"),
        node("Cast", ["a"], "b", to=TensorProto.FLOAT),
        node("Abs", ["b"], "c"),
        node("Shape", ["c"], "s"),
        constant("k", np.float32(1)),
        node("Mul", ["c", "k"], "out"),
    ]
    model = graph(nodes, {"out": None})
    summary = summarise(model, model)
    assert (summary.casts, summary.half_nodes, summary.float_nodes) == (2, 1, 2)
    assert summary.float_ops == ("Abs", "Mul")


def test_lost_entries_are_counted_in_halved_tensors_only() -> None:
    held = {
        "small": np.array([1e-9, -1e-9, 0, 1], np.float32),
        "large": np.array([1e5, 1, 1, 65519], np.float32),
        "kept": np.array([1e-9, 1e9, 1, 1], np.float32),
    }
    nodes = [node("Mul", ["image", name], f"by_{name}") for name in held]
    model = graph(nodes, {f"by_{name}": None for name in held}, held, image=(1, 3, 64, 4))
    converted = _halved(model, "small", "large")
    for value in converted.graph.node:
        if value.input[1] != "kept":
            value.input[0] = "half"
    converted.graph.node.insert(0, helper.make_node("Cast", ["image"], ["half"], to=TensorProto.FLOAT16))
    for output in converted.graph.output[:2]:
        output.type.tensor_type.elem_type = TensorProto.FLOAT16
    summary = summarise(model, converted)
    assert (summary.underflow, summary.overflow) == (2, 1)
    assert summary.worst == (LostWeights("small", 2, 0), LostWeights("large", 0, 1))
