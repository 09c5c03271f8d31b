"""Constants of an FP16 graph that get their float32 content back for some of their readers."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery import constants


class FloatConstants:
    """The float32 constants of the graph `original` for its FP16 form `halved`, each added once."""

    def __init__(self, halved: ir.Graph, original: ir.Graph) -> None:
        self._graph = halved
        self._before = {node.name: node for node in original}
        self._added: dict[str, ir.Value] = {}

    def restore(self, node: ir.Node, index: int) -> None:
        """Give input `index` of `node` its float32 constant; inputs that are absent or computed stay as they are.

        Everything else that reads the half constant keeps it; it goes with its last reader.
        """
        old = constants.input_of(node, index)
        content = constants.read(constants.input_of(self._before[node.name], index))
        if old is None or content is None:
            return
        name = str(old.name)
        if name not in self._added:
            self._added[name] = constants.add(self._graph, f"{name}_float", content)
        node.replace_input_with(index, self._added[name])
        _drop_unread(self._graph, old)


def _drop_unread(graph: ir.Graph, value: ir.Value) -> None:
    producer = value.producer()
    if value.uses() or value.is_graph_output():
        return
    if producer is not None:
        graph.remove(producer, safe=True)
    else:
        graph.initializers.pop(str(value.name))
