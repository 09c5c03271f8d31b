"""Outputs of a graph: letting another tensor take the place of one."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery import constants


def succeed(graph: ir.Graph, output: ir.Value, successor: ir.Value, *, inner: str) -> None:
    """Make `successor` the graph's output in the place, and under the name, of `output`.

    That stays as an inner tensor, called `inner` or, if that is taken, `inner` with a number.
    """
    name = str(output.name)
    output.name = constants.fresh_name(graph, inner)
    successor.name, successor.type = name, output.type
    graph.outputs[list(graph.outputs).index(output)] = successor
