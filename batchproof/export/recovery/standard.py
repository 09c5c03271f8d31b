"""Only what the ONNX standard defines is known by its name."""

from __future__ import annotations

import onnx

from batchproof.errors import InputError

_STANDARD_DOMAINS = ("", "ai.onnx")
_REMEDY = "Only graphs of standard operators tell what network they are"
# Where ONNX Runtime saves what its optimiser has fused.
_OPTIMISED_DOMAINS = ("com.microsoft", "com.microsoft.nchwc")
_OPTIMISED_REMEDY = (
    "ONNX Runtime has optimised this graph for one machine: recover the file that it was made from, or save it with "
    "ORT_ENABLE_BASIC"
)


def require_standard(model: onnx.ModelProto) -> None:
    """Raise `InputError` for what has a standard operator's name and may compute something else, and for fused ones."""
    if model.functions:
        raise InputError(f"defines its own operator {model.functions[0].name}", remedy=_REMEDY)
    for node in model.graph.node:
        name = f"{node.op_type} '{node.name or node.output[0]}'"
        if node.domain not in _STANDARD_DOMAINS:
            remedy = _OPTIMISED_REMEDY if node.domain in _OPTIMISED_DOMAINS else _REMEDY
            raise InputError(f"{name} is of the domain '{node.domain}'", remedy=remedy)
        if node.op_type == "Constant" and len(node.attribute) != 1:
            raise InputError(f"{name} holds nothing", remedy="Export the file again")
