"""What only moves data: nodes that keep every number of their first input, whatever their image is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

_KEEPING = frozenset({"Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze"})
_POOLS = frozenset({"AveragePool", "MaxPool"})
_POOL_OF_ONE = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0, 0, 0, 0]}
# What exporters reckon sizes with. Nothing else stands between a shape and the node that takes it.
_SHAPE_ARITHMETIC = frozenset(
    {"Identity", "Cast", "Gather", "Slice", "Concat", "Split", "Squeeze", "Unsqueeze", "Reshape", "ConstantOfShape"}
    | {"Add", "Sub", "Mul", "Div", "Mod", "Floor", "Ceil", "Equal", "Where", "ReduceProd", "Range", "Expand"}
)
_SHAPES = frozenset({"Shape", "Size"})
# What stands between the image and a value whose shape is taken.
_OF_THEIR_INPUTS_SHAPES = frozenset(
    {"Conv", "Gemm", "MatMul", "BatchNormalization", "InstanceNormalization", "LayerNormalization", "Softmax", "Cast"}
    | {"Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Erf", "Clip", "Max", "Relu", "LeakyRelu", "PRelu", "Sigmoid"}
    | {"MaxPool", "AveragePool", "GlobalAveragePool", "Transpose", "Concat", "Flatten", "Identity", "Dropout"}
)
_OF_A_GIVEN_SHAPE = frozenset(
    {"Reshape", "Squeeze", "Unsqueeze", "Resize", "Upsample", "Expand", "Slice", "ReduceL2", "ReduceSum", "ReduceMean"}
)

Arrays = Mapping[str, NDArray[np.generic]]
Makers = Mapping[str, onnx.NodeProto]


def is_view(node: onnx.NodeProto, makers: Makers, constants: Arrays) -> bool:
    """Tell whether the first output of `node` holds the numbers of its first input, in their order.

    Where to is for shapes and constants to say: what reads that from pixels is no view. Where a view is wrong, the
    comparison with the original's outputs shows it.
    """
    if node.op_type in _POOLS:
        return _is_pool_of_one(node)
    if node.op_type == "Dropout" and len(node.input) == 3:  # the last says whether it drops any
        return not np.any(constants.get(node.input[2], True))
    return node.op_type in _KEEPING and all(says_size(name, makers, constants) for name in node.input[1:])


def says_size(value: str, makers: Makers, constants: Arrays) -> bool:
    """Tell whether `value` follows from constants and shapes alone, so that no pixel decides it.

    Nor may one decide the shapes, as the numbers of a NonZero do.
    """
    pending, met = [(value, True)], set[tuple[str, bool]]()
    while pending:
        name, by_numbers = found = pending.pop()
        if not name or found in met or name in constants or (name not in makers and not by_numbers):
            continue
        met.add(found)
        deciding = _deciding(makers[name], by_numbers=by_numbers) if name in makers else None
        if deciding is None:
            return False
        pending += deciding
    return True


def _deciding(node: onnx.NodeProto, *, by_numbers: bool) -> list[tuple[str, bool]] | None:
    """Return what decides the numbers, or only the shape, of what `node` makes; None where nobody knows.

    Of each input, whether it does so by its numbers or by its shape alone.
    """
    if node.op_type in _SHAPES:
        return [(node.input[0], False)]
    if by_numbers:
        return [(name, True) for name in node.input] if node.op_type in _SHAPE_ARITHMETIC else None
    if node.op_type in _OF_THEIR_INPUTS_SHAPES:
        return [(name, False) for name in node.input]
    if node.op_type in _OF_A_GIVEN_SHAPE:
        return [(node.input[0], False), *((name, True) for name in node.input[1:])]
    return None


def _is_pool_of_one(node: onnx.NodeProto) -> bool:
    """Tell pools of one pixel at stride 1, which official exports have where a shortcut keeps its size."""
    given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return all(given.get(name, default) == default for name, default in _POOL_OF_ONE.items())
