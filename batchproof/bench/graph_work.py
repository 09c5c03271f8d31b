"""How much work one image is: multiply-accumulates and bytes, from the graph.

What architectures are named after, SCRFD-10G, are multiply-accumulates; an operation (FLOP) is a multiplication or an
addition, so there are two for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import onnx
import onnx_ir as ir

from batchproof.bench.work import Work
from batchproof.surgery.inference import infer_types

Dims = tuple[int, ...]
# They give another view of the same bytes.
_VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"})


@dataclass(frozen=True)
class _Tensor:
    """Dims, and bytes of all of it."""

    dims: Dims
    bytes: int


_Tensors = Mapping[str, _Tensor]


def work_of_one(model: onnx.ModelProto, shape: Sequence[int]) -> Work:
    """Count the work of a batch-safe graph for one image, `shape` is `[1, channels, height, width]`.

    Counted are the products of Conv, ConvTranspose, Gemm and MatMul, in the main graph.
    """
    graph, tensors = model.graph, _tensors(model, shape)
    counted = [node for node in graph.node if node.op_type in _RULES]
    others = Counter(node.op_type for node in graph.node if node.op_type not in {*_RULES, "Constant"})
    weights = {tensor.name for tensor in graph.initializer} | _results(graph, {"Constant"})
    return Work(
        macs=sum(_macs(node, tensors) for node in counted),
        weight_bytes=sum(_bytes(tensors, name) for name in weights),
        activation_bytes=_activation_bytes(graph, tensors),
        not_counted=dict(sorted(others.items())),
        unknown=tuple(name for node in graph.node for name in node.output if name and name not in tensors),
    )


def _tensors(model: onnx.ModelProto, shape: Sequence[int]) -> dict[str, _Tensor]:
    """Every tensor whose dims are all known."""
    found = {}
    for name, value in infer_types(ir.from_proto(model), shape).items():
        tensor = value.tensor_type
        if tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            dims = tuple(int(dim.dim_value) for dim in tensor.shape.dim)
            item: int = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize
            found[name] = _Tensor(dims, prod(dims) * item)
    return found


def _results(graph: onnx.GraphProto, operators: Collection[str]) -> set[str]:
    return {name for node in graph.node if node.op_type in operators for name in node.output if name}


def _activation_bytes(graph: onnx.GraphProto, tensors: _Tensors) -> int:
    """The input is read, every result is written and read, and what leaves the graph is not read in it."""
    results = {name for node in graph.node for name in node.output if name}
    results -= _results(graph, {*_VIEWS, "Constant"})
    written = sum(_bytes(tensors, name) for name in results)
    read = written - sum(_bytes(tensors, output.name) for output in graph.output if output.name in results)
    return _bytes(tensors, graph.input[0].name) + written + read


def _bytes(tensors: _Tensors, name: str) -> int:
    return tensors[name].bytes if name in tensors else 0


def _macs(node: onnx.NodeProto, tensors: _Tensors) -> int:
    names = (node.input[0], node.input[1], node.output[0])
    if not all(name in tensors for name in names):
        return 0
    return _RULES[node.op_type](node, *(tensors[name].dims for name in names))


def _convolution(node: onnx.NodeProto, image: Dims, filters: Dims, result: Dims) -> int:
    """Every value of the result is one filter, `[channels / groups, height, width]`, laid upon the image."""
    return prod(result) * prod(filters[1:])


def _transposed(node: onnx.NodeProto, image: Dims, filters: Dims, result: Dims) -> int:
    """Every value of the image spreads one filter, `[channels / groups, height, width]`, over the result."""
    return prod(image) * prod(filters[1:])


def _gemm(node: onnx.NodeProto, left: Dims, right: Dims, result: Dims) -> int:
    turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return prod(result) * left[0 if turned else 1]


def _matmul(node: onnx.NodeProto, left: Dims, right: Dims, result: Dims) -> int:
    return prod(result) * left[-1]


_RULES: Mapping[str, Callable[[onnx.NodeProto, Dims, Dims, Dims], int]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
