"""Constants of a graph, be they initialisers or Constant nodes, and changing them for some of their readers."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray


def read(value: ir.Value | None) -> NDArray[np.generic] | None:
    """Return the content of a constant; None for an absent input and for everything that is computed."""
    if value is None or value.is_graph_input():
        return None
    tensor = tensor_of(value)
    return None if tensor is None else tensor.numpy()


def tensor_of(value: ir.Value) -> ir.TensorProtocol | None:
    """Return the tensor behind an initialiser or the output of a Constant node, and None for anything else."""
    producer = value.producer()
    if producer is not None and producer.op_type == "Constant" and "value" in producer.attributes:
        # onnx-ir's own look-up would rename this tensor, in the file too.
        return producer.attributes["value"].as_tensor()
    return ir.convenience.get_const_tensor(value)


def input_of(node: ir.Node, index: int) -> ir.Value | None:
    """Return the input at `index`; None when it is absent or left empty."""
    return node.inputs[index] if index < len(node.inputs) else None


def rewrite(
    graph: ir.Graph, value: ir.Value, content: NDArray[np.generic], *, readers: Collection[ir.Node]
) -> ir.Value:
    """Return a constant with `content` for `readers`, who read `value` now.

    `value` itself is changed when nobody else reads it, which leaves the list of nodes as it is; otherwise it stays,
    and a new initialiser is added beside it.
    """
    if value.is_graph_output() or any(reader not in readers for reader in value.consumers()):
        return add(graph, f"{value.name}_batch", content)
    tensor = ir.tensor(content, name=value.name)
    producer = value.producer()
    if producer is None:
        value.const_value = tensor
    else:
        producer.attributes.clear()
        producer.attributes.add(ir.AttrTensor("value", tensor))
    value.shape, value.dtype = ir.Shape(content.shape), tensor.dtype
    return value


def add(graph: ir.Graph, name: str, content: NDArray[np.generic]) -> ir.Value:
    """Add an initialiser, called `name` or, if that is taken, `name` with a number."""
    tensor = ir.tensor(content, name=fresh_name(graph, name))
    value = ir.Value(
        name=tensor.name, shape=ir.Shape(content.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    graph.register_initializer(value)
    return value


def fresh_name(graph: ir.Graph, name: str) -> str:
    """Return `name`, or the first of `name_1`, `name_2`, ... that no tensor of the graph has."""
    taken = {value.name for value in ir.convenience.create_value_mapping(graph).values()}
    number, candidate = 0, name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
