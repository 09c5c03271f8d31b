"""What became of a graph in half precision: how much of it computes in half, and which weights do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from batchproof.surgery.fp16.input_views import input_views

LARGEST_HALF = 65504.0
# From here on rounding to the nearest half gives infinity, and down from here it gives zero.
_OVERFLOW, _UNDERFLOW = 65520.0, 2.0**-25
_WORST = 5


@dataclass(frozen=True)
class LostWeights:
    """The entries of one tensor that half precision cannot hold: `underflow` become 0, `overflow` become 65504."""

    name: str
    underflow: int
    overflow: int


@dataclass(frozen=True)
class Fp16Summary:
    """Counts of a converted graph, taken from its inferred types, without the nodes that compute nothing.

    `half_nodes` and `float_nodes` have half and float32 results, `float_ops` are the operators among the latter.
    `worst` names the tensors with the most lost entries, worst first.
    """

    casts: int
    half_nodes: int
    float_nodes: int
    float_ops: tuple[str, ...]
    underflow: int
    overflow: int
    worst: tuple[LostWeights, ...]


def summarise(original: onnx.ModelProto, converted: onnx.ModelProto) -> Fp16Summary:
    """Count what `converted`, the half precision form of `original`, computes in which type, and what it lost."""
    types = tensor_types(converted)
    results = [(node.op_type, types.get(node.output[0])) for node in computing_nodes(converted)]
    floats = [op for op, dtype in results if dtype == onnx.TensorProto.FLOAT]
    lost = sorted(_lost(original, converted), key=lambda weights: (-weights.underflow - weights.overflow, weights.name))
    return Fp16Summary(
        casts=sum(node.op_type == "Cast" for node in converted.graph.node),
        half_nodes=sum(dtype == onnx.TensorProto.FLOAT16 for _, dtype in results),
        float_nodes=len(floats),
        float_ops=tuple(sorted(set(floats))),
        underflow=sum(weights.underflow for weights in lost),
        overflow=sum(weights.overflow for weights in lost),
        worst=tuple(lost[:_WORST]),
    )


def half_nodes(converted: onnx.ModelProto) -> tuple[str, ...]:
    """Name the nodes with half results that compute something, in the order of the graph."""
    return _nodes_of(converted, onnx.TensorProto.FLOAT16)


def float_nodes(converted: onnx.ModelProto) -> tuple[str, ...]:
    """Name those with float32 results."""
    return _nodes_of(converted, onnx.TensorProto.FLOAT)


def _nodes_of(converted: onnx.ModelProto, dtype: int) -> tuple[str, ...]:
    types = tensor_types(converted)
    return tuple(node.name for node in computing_nodes(converted) if types.get(node.output[0]) == dtype)


def computing_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the nodes whose type is a matter of precision: none that casts, holds a constant or views an input."""
    views = input_views(model.graph)
    return [node for node in model.graph.node if node.op_type not in ("Cast", "Constant") and node.name not in views]


def tensor_types(model: onnx.ModelProto) -> dict[str, int]:
    """Infer the element type of every computed tensor, strictly; the numbers are those of `onnx.TensorProto`."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    return {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.output)}


def _lost(original: onnx.ModelProto, converted: onnx.ModelProto) -> Iterator[LostWeights]:
    halved = {name for name, tensor in constants_of(converted) if tensor.data_type == onnx.TensorProto.FLOAT16}
    for name, tensor in constants_of(original):
        if name in halved:
            sizes = np.abs(_array(tensor))
            underflow, overflow = int(np.sum((sizes > 0) & (sizes <= _UNDERFLOW))), int(np.sum(sizes >= _OVERFLOW))
            if underflow or overflow:
                yield LostWeights(name, underflow, overflow)


def constants_of(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Yield the initialisers of the main graph and the tensors of its Constant nodes, by the names that they have."""
    for tensor in model.graph.initializer:
        yield tensor.name, tensor
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                yield node.output[0], attribute.t


def _array(tensor: onnx.TensorProto) -> NDArray[np.generic]:
    return np.asarray(onnx.numpy_helper.to_array(tensor))
