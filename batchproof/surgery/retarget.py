"""Constant targets of Reshape: reading them, and writing new ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.surgery.passes import Reason, unchanged

Target = tuple[int, ...]


@dataclass(frozen=True)
class Retarget:
    """The decision to give a Reshape another target, and the Transpose before it another order."""

    node: ir.Node
    target: Target
    sentence: str
    transpose: ir.Node | None = None
    perm: Target = ()


def reshapes(model: ir.Model) -> list[ir.Node]:
    """Return every Reshape of the main graph, in its order."""
    return [node for node in model.graph if node.op_type == "Reshape" and node.domain == ""]


def fixed_target(node: ir.Node) -> Target | Reason:
    """Return the constant target of a Reshape, or why it is none that can be rewritten."""
    content = constants.read(constants.input_of(node, 1))
    if content is None:
        return unchanged(node.name, "its target is computed in the graph")
    target = tuple(int(entry) for entry in content.tolist())
    if node.attributes.get_int("allowzero", 0) and 0 in target:
        return unchanged(node.name, f"with allowzero the 0 in its target {list(target)} is a length")
    return target


def apply(graph: ir.Graph, retargets: Iterable[Retarget]) -> None:
    """Write the new targets, one constant for all Reshapes that share the old one and get the same new one."""
    groups: dict[tuple[ir.Value, Target], list[ir.Node]] = {}
    for retarget in retargets:
        if retarget.transpose is not None:
            retarget.transpose.attributes.add(ir.AttrInt64s("perm", retarget.perm))
        # torch's newer exporter sets it on every Reshape; without a 0 in the old target it means nothing there.
        retarget.node.attributes.pop("allowzero", None)
        shape_input = retarget.node.inputs[1]
        if shape_input is not None:
            groups.setdefault((shape_input, retarget.target), []).append(retarget.node)
    for (old, target), nodes in groups.items():
        new = constants.rewrite(graph, old, np.array(target, dtype=np.int64), readers=nodes)
        for node in nodes:
            node.replace_input_with(1, new)
