"""Cast nodes: put in beside what they cast, and taken out where one of them does the work of two."""

from __future__ import annotations

import onnx_ir as ir


class Caster:
    """Adds Casts to `graph`, under names that nothing in it has."""

    def __init__(self, graph: ir.Graph) -> None:
        self._graph = graph
        self._taken = {str(name) for name in ir.convenience.create_value_mapping(graph)}

    def before(self, reader: ir.Node, value: ir.Value, dtype: ir.DataType) -> ir.Value:
        """Cast `value` to `dtype` directly before `reader`, who does not read the result yet."""
        node = self._cast(value, dtype)
        self._graph.insert_before(reader, node)
        return node.outputs[0]

    def behind(self, producer: ir.Node, value: ir.Value, dtype: ir.DataType) -> ir.Value:
        """Cast `value` to `dtype` directly behind the node that makes it."""
        node = self._cast(value, dtype)
        self._graph.insert_after(producer, node)
        return node.outputs[0]

    def _cast(self, value: ir.Value, dtype: ir.DataType) -> ir.Node:
        name = f"{value.name}_to_{'half' if dtype == ir.DataType.FLOAT16 else 'float'}"
        while name in self._taken:
            name += "_again"
        self._taken.add(name)
        output = ir.Value(name=name, shape=value.shape, type=ir.TensorType(dtype))
        return ir.node("Cast", [value], {"to": dtype.value}, outputs=[output], name=name)


def is_cast(node: ir.Node | None, dtype: ir.DataType) -> bool:
    """Tell whether `node` is a Cast to `dtype`."""
    return node is not None and node.op_type == "Cast" and node.attributes["to"].as_int() == dtype


def merge(graph: ir.Graph) -> None:
    """Let all readers of one tensor in another type share one Cast."""
    first: dict[tuple[ir.Value | None, int], ir.Value] = {}
    for node in tuple(graph):
        if node.op_type != "Cast" or node.outputs[0].is_graph_output():
            continue
        shared = first.setdefault((node.inputs[0], node.attributes["to"].as_int()), node.outputs[0])
        if shared is not node.outputs[0]:
            node.outputs[0].replace_all_uses_with(shared)
            graph.remove(node, safe=True)


def drop_unread(graph: ir.Graph) -> None:
    """Remove every Cast that nobody reads."""
    for node in reversed(tuple(graph)):
        output = node.outputs[0]
        if node.op_type == "Cast" and not output.uses() and not output.is_graph_output():
            graph.remove(node, safe=True)
