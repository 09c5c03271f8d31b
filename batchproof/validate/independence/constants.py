"""Constants of the file, as abstract tensors. Only small ones are read."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx
from onnx.external_data_helper import uses_external_data

from batchproof.validate.independence.domain import unknown
from batchproof.validate.independence.polynomial import Poly
from batchproof.validate.independence.symbolic_values import entries_of
from batchproof.validate.independence.tensor import LARGEST_VALUE, Tensor, free

# Lengths are computed in floating point one or a few at a time (scales of a Resize); longer lists are weights.
_LARGEST_FLOATS = 16
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
_DIRECT = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32, "value_floats": np.float32}


def constant_tensor(tensor: onnx.TensorProto) -> Tensor:
    """Wrap an initialiser. What is external and not loaded has no values; its shape is in the file."""
    shape = tuple(Poly.of(int(dim)) for dim in tensor.dims)
    largest = _LARGEST_FLOATS if tensor.data_type in _FLOATS else LARGEST_VALUE
    small = prod(tensor.dims) <= largest and not uses_external_data(tensor)
    if not small or tensor.data_type == onnx.TensorProto.STRING:
        return free(shape, steady=True)
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except (TypeError, ValueError):  # of an element type that numpy does not have, or damaged
        return free(shape, steady=True)
    return free(shape, steady=True, value=entries_of(array))


def sparse_tensor(tensor: onnx.SparseTensorProto) -> Tensor:
    """Wrap a sparse initialiser by its dense shape; weights need no values."""
    return free(tuple(Poly.of(int(dim)) for dim in tensor.dims), steady=True)


def node_constant(node: onnx.NodeProto) -> Tensor:
    """Wrap what a Constant node holds, in any of its forms."""
    (attribute,) = node.attribute
    held = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return constant_tensor(held)
    if attribute.name == "sparse_value":
        return sparse_tensor(held)
    if attribute.name not in _DIRECT:
        raise unknown(f"it holds a constant of the form {attribute.name}")
    array = np.array(held, dtype=_DIRECT[attribute.name])
    return constant_tensor(onnx.numpy_helper.from_array(array))
