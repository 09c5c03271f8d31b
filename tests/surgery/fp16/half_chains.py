"""Networks with a problem that only half precision has: the same FP32 function, with values out of its range inside."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from batchproof.runtime import Blob
from batchproof.surgery.fp16.samples import Samples
from tests.surgery.tiny_graphs import graph, node, weights

BLOCKS = 6


def chain() -> onnx.ModelProto:
    """An embedder of six convolutions `conv0` ... `conv5`, each with its `relu`, pooled to 64 values."""
    nodes, held, source, channels = [], {}, "input", 3
    for index in range(BLOCKS):
        held[f"w{index}"] = weights((64 if index == BLOCKS - 1 else 8, channels, 3, 3), index) * 3
        held[f"b{index}"] = weights(held[f"w{index}"].shape[:1], index)
        stride = 8 if index == 0 else 1
        conv = node("Conv", [source, f"w{index}", f"b{index}"], f"c{index}", name=f"conv{index}", strides=[stride] * 2)
        nodes += [conv, node("Relu", [f"c{index}"], f"r{index}", name=f"relu{index}")]
        source, channels = f"r{index}", 8
    nodes += [node("GlobalAveragePool", [source], "pooled"), node("Flatten", ["pooled"], "embedding")]
    model = graph(nodes, {"embedding": ["N", 64]}, held, image=("N", 3, 112, 112), opset=17, ir_version=8)
    model.graph.input[0].name = "input"
    return model


def rescaled(model: onnx.ModelProto, first: str, second: str, power: int) -> onnx.ModelProto:
    """Multiply what convolution `first` gives by 2**power, and let `second` divide by it.

    Between the two may only stand what lets a positive factor through. Powers of two are exact: in FP32 the outputs
    stay the same, bit for bit.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    nodes = {each.name: each for each in copy.graph.node}
    for name in nodes[first].input[1:]:
        _multiply(copy, name, 2.0**power)
    _multiply(copy, nodes[second].input[1], 2.0**-power)
    return copy


def _multiply(model: onnx.ModelProto, name: str, factor: float) -> None:
    held = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    held.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(held) * np.float32(factor), name))


def triples(model: onnx.ModelProto) -> list[tuple[str, str, str]]:
    """Name every convolution, activation and convolution that follow each other without a branch."""
    found = []
    for conv in model.graph.node:
        activation = _only_reader(model, conv, ("Relu",)) if conv.op_type == "Conv" else None
        following = _only_reader(model, activation, ("Conv",)) if activation else None
        if activation and following:
            found.append((conv.name, activation.name, following.name))
    return found


def _only_reader(model: onnx.ModelProto, made_by: onnx.NodeProto, kinds: tuple[str, ...]) -> onnx.NodeProto | None:
    readers = [each for each in model.graph.node if made_by.output[0] in each.input]
    return readers[0] if len(readers) == 1 and readers[0].op_type in kinds else None


def noisy(count: int = 3, side: int = 112) -> Blob:
    return np.random.default_rng(5).normal(0, 0.5, (count, 3, side, side)).astype(np.float32)


def samples(count: int = 3) -> Samples:
    return Samples(noisy(count), (1.0,) * count, f"{count} images")
