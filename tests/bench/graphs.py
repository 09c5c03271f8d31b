"""Graphs whose work can be counted by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import DTypeLike
from onnx import TensorProto, helper, numpy_helper


def graph(
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, Sequence[int]],
    image: Sequence[int | str],
    result: str,
    dtype: DTypeLike = np.float32,
) -> onnx.ModelProto:
    """Build a graph from `image` to `result`, with weights of these shapes."""
    tensors = [numpy_helper.from_array(np.ones(shape, dtype), name) for name, shape in weights.items()]
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    source = helper.make_tensor_value_info("image", element, list(image))
    declared = helper.make_tensor_value_info(result, element, None)
    made = helper.make_graph(list(nodes), "by hand", [source], [declared], tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def shaped(name: str, values: Sequence[int]) -> onnx.NodeProto:
    """Make a Constant of whole numbers."""
    value = helper.make_tensor(name, TensorProto.INT64, [len(values)], list(values))
    return helper.make_node("Constant", [], [name], value=value)
