"""The types of a graph's tensors, and the guard that a network was parsed as it is typed."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from batchproof.errors import StepFailedError, first_few

# Where a network may silently differ: TensorRT's name of each type that a layer may compute in.
_NETWORK_NAMES = {"FLOAT": "FLOAT", "FLOAT16": "HALF", "BFLOAT16": "BF16", "INT8": "INT8", "FLOAT8E4M3FN": "FP8"}
# Arithmetic on shapes has a few elements, and shape inference needs it; anything larger is a weight.
_LARGEST_SHAPE = 1024


def tensor_types(model: onnx.ModelProto) -> dict[str, str]:
    """Name the type of every tensor of the main graph that shape inference knows, such as `FLOAT16`.

    Drops the weights of `model`, which shape inference would copy.
    """
    for initialiser in model.graph.initializer:
        if len(initialiser.raw_data) > _LARGEST_SHAPE:
            initialiser.ClearField("raw_data")
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type) for value in values}


def guard_types(graph: Mapping[str, str], network: Mapping[str, str]) -> None:
    """Refuse a network whose inputs, outputs or layers are of another type than the graph's tensors of the same name.

    Raises `StepFailedError` that names the first of them.
    """
    wanted = {name: _NETWORK_NAMES[kind] for name, kind in graph.items() if kind in _NETWORK_NAMES and name in network}
    changed = [f"'{name}' is {network[name]} for {kind}" for name, kind in wanted.items() if network[name] != kind]
    if changed:
        raise StepFailedError(
            f"the network does not keep the types of the ONNX graph: {first_few(changed)}",
            remedy="Build with a TensorRT that types networks strongly (10.0 and later)",
        )
