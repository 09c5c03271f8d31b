"""What a static simplifier makes of a graph, and how a graph is opened for any batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import numpy_helper

from batchproof.runtime import OnnxRuntimeRunner
from tests.validate.independence.families.form import Frame

Choice = Callable[[onnx.NodeProto], bool]


def simplified(model: onnx.ModelProto, frame: Frame, *, into: Choice = lambda node: True) -> onnx.ModelProto:
    """Replace what a batch of one alone decides by its value, as onnxsim does for a static input, in chosen nodes."""
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    decided = _decided(folded.graph)
    chosen = [node for node in folded.graph.node if not decided.issuperset(node.output) and into(node)]
    targets = {name for node in chosen for name in node.input} & decided
    values = _values(folded, sorted(targets), frame)
    for node in chosen:
        node.input[:] = [f"{name}_folded" if name in targets else name for name in node.input]
    folded.graph.initializer.extend(numpy_helper.from_array(value, f"{name}_folded") for name, value in values.items())
    _drop_unused(folded.graph)
    return folded


def _decided(graph: onnx.GraphProto) -> set[str]:
    """The tensors made of shapes and constants alone."""
    known = {tensor.name for tensor in graph.initializer} | {""}
    computed = set()
    for node in graph.node:
        if node.op_type == "Shape" or known.issuperset(node.input):
            known.update(node.output)
            computed.update(node.output)
    return computed


def _values(model: onnx.ModelProto, names: list[str], frame: Frame) -> dict[str, np.ndarray]:
    if not names:
        return {}
    probing = onnx.ModelProto()
    probing.CopyFrom(model)
    del probing.graph.output[:]
    probing.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    probing.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    return OnnxRuntimeRunner(probing.SerializeToString()).infer(np.zeros((1, *frame), np.float32))


def _drop_unused(graph: onnx.GraphProto) -> None:
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def opened(model: onnx.ModelProto) -> onnx.ModelProto:
    """As surgery on declarations alone would leave it: a free batch, no recorded shapes, constants as such."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    constants = {tensor.name for tensor in result.graph.initializer}
    images = [value for value in result.graph.input if value.name not in constants]
    del result.graph.input[:], result.graph.value_info[:]
    result.graph.input.extend(images)
    result.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    for output in result.graph.output:
        output.type.tensor_type.ClearField("shape")
    result.ir_version = max(result.ir_version, 4)
    return result


def alone(model: onnx.ModelProto, output: str) -> onnx.ModelProto:
    """With one output only."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    (kept,) = [value for value in model.graph.output if value.name == output]
    del result.graph.output[:]
    result.graph.output.append(kept)
    return result
