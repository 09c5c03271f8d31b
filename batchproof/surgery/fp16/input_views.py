"""Nodes that only look at an input: they hold its values as they are, so no type is better for them than its own."""

from __future__ import annotations

import onnx

_VIEWS = frozenset({"Reshape", "Slice"})


def input_views(graph: onnx.GraphProto) -> frozenset[str]:
    """Name the nodes that cut or reshape an input before anything has computed with it.

    Such is the guard of the image size in our exports. Left in half, each would have the input rounded although the
    first layer may be one of those that stay in FP32.
    """
    held = {value.name for value in graph.input} - {tensor.name for tensor in graph.initializer}
    names = set()
    for node in graph.node:
        if node.op_type in _VIEWS and node.input[0] in held:
            names.add(node.name)
            held.update(node.output)
    return frozenset(names)
