"""What onnx's version converter changes besides the operators, undone; and what it did to them, in sentences."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.surgery.passes import Reason, changed


def keep_names_and_order(graph: ir.Graph, before: ir.Graph) -> None:
    """Give the nodes and tensors of `graph`, converted from `before`, their names, shapes and places back.

    Constants that the converter added become initialisers; a node that it added is named after its first output.
    """
    _hold_new_constants(graph, before)
    _name_resizes(graph, before)
    _name_nodes(graph, before)
    _restore_shapes(graph, before)


def differences(before: ir.Graph, after: ir.Graph) -> list[Reason]:
    """Name every node that is new or has another form, in words that need no knowledge of its operator."""
    nodes = {_key(node): node for node in before}
    reasons = []
    for node in after:
        old = nodes.get(_key(node))
        moved = ", ".join(sorted(old.attributes.keys() - node.attributes.keys())) if old else ""
        if old is None:
            reasons.append(changed(node.name, f"is new: a {node.op_type} that an operator beside it did itself before"))
        elif old.op_type != node.op_type:
            reasons.append(changed(node.name, f"was {old.op_type}, is now {node.op_type}"))
        elif moved:
            reasons.append(changed(node.name, f"has inputs in place of its attributes ({moved}), or no longer any"))
    return reasons


def _hold_new_constants(graph: ir.Graph, before: ir.Graph) -> None:
    known = {value.name for node in before for value in node.outputs}
    for node in [node for node in graph if node.op_type == "Constant" and node.outputs[0].name not in known]:
        reader, index = next(iter(node.outputs[0].uses()))
        held = constants.add(graph, f"{reader.name}_input_{index}", node.attributes["value"].as_tensor().numpy())
        node.outputs[0].replace_all_uses_with(held)
        graph.remove(node, safe=True)


def _name_resizes(graph: ir.Graph, before: ir.Graph) -> None:
    """Give each Resize the names of the Upsample whose place it took."""
    upsamples = [node for node in before if node.op_type == "Upsample"]
    # Where there was an Upsample there was no Resize: it came with the opset in which Upsample ended.
    for old, new in zip(upsamples, [node for node in graph if node.op_type == "Resize" and upsamples], strict=True):
        new.name, new.outputs[0].name = old.name, old.outputs[0].name


def _name_nodes(graph: ir.Graph, before: ir.Graph) -> None:
    nodes = {_key(node): node for node in before}
    for node in graph:
        old = nodes.get(_key(node))
        if old is not None and old.name == node.name:
            node.metadata_props.update(old.metadata_props)
        elif not node.name:
            node.name = f"{node.op_type}_{node.outputs[0].name}"


def _restore_shapes(graph: ir.Graph, before: ir.Graph) -> None:
    """Undo the converter's shape inference: it gives names to dimensions that the file left open."""
    recorded = ir.convenience.create_value_mapping(before)
    for name, value in ir.convenience.create_value_mapping(graph).items():
        old = recorded.get(name)
        if not value.is_initializer():
            value.shape, value.type = (old.shape, old.type) if old else (None, None)


def _key(node: ir.Node) -> str:
    return node.name or str(node.outputs[0].name)
