"""Gaps between nodes in FP32: a node left in half there costs Casts on both sides and gains nothing."""

from __future__ import annotations

from collections.abc import Collection

import onnx


def gaps(model: onnx.ModelProto, kept: Collection[str], halves: Collection[str]) -> set[str]:
    """Return the nodes among `halves` that read results of `kept` nodes only, and whose results only such nodes read.

    What is read beside computed tensors (weights, shapes, inputs of the graph) does not count.
    """
    producers = {name: node.name for node in model.graph.node for name in node.output}
    readers: dict[str, set[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.name)

    def enclosed(node: onnx.NodeProto) -> bool:
        sources = {producers[name] for name in node.input if producers.get(name) in {*halves, *kept}}
        targets = set().union(*(readers.get(name, set()) for name in node.output))
        return bool(sources and targets) and sources | targets <= set(kept)

    return {node.name for node in model.graph.node if node.name in set(halves) - set(kept) and enclosed(node)}
