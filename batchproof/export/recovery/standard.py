"""Only what the ONNX standard defines is known by its name."""

from __future__ import annotations

from pathlib import Path

import onnx

from batchproof.errors import InputError

_STANDARD_DOMAINS = ("", "ai.onnx")
_REMEDY = "Only graphs of standard operators tell what network they are"
_NUMBERS = ("value", "value_float", "value_floats", "value_int", "value_ints")
_NO_NUMBERS = (onnx.TensorProto.STRING, onnx.TensorProto.COMPLEX64, onnx.TensorProto.COMPLEX128)
_NUMBERS_REMEDY = "No known face model has others: store them dense"
# Where ONNX Runtime saves what its optimiser has fused.
_OPTIMISED_DOMAINS = ("com.microsoft", "com.microsoft.nchwc")
_OPTIMISED_REMEDY = (
    "ONNX Runtime has optimised this graph for one machine: recover the file that it was made from, or save it with "
    "ORT_ENABLE_BASIC"
)


def require_standard(model: onnx.ModelProto, where: Path) -> None:
    """Raise `InputError` for what has a standard operator's name and may compute something else, and for fused ones.

    And for weights that are no dense real numbers.
    """
    if model.functions:
        raise InputError(f"defines its own operator {model.functions[0].name}", where=where, remedy=_REMEDY)
    for node in model.graph.node:
        name = f"{node.op_type} '{node.name or node.output[0]}'"
        if node.domain not in _STANDARD_DOMAINS:
            remedy = _OPTIMISED_REMEDY if node.domain in _OPTIMISED_DOMAINS else _REMEDY
            raise InputError(f"{name} is of the domain '{node.domain}'", where=where, remedy=remedy)
        if node.op_type == "Constant" and not _holds_numbers(node):
            raise InputError(f"{name} holds no dense real numbers", where=where, remedy=_NUMBERS_REMEDY)
    for tensor in model.graph.initializer:
        if tensor.data_type in _NO_NUMBERS:
            raise InputError(f"weight '{tensor.name}' holds no real numbers", where=where, remedy=_NUMBERS_REMEDY)


def _holds_numbers(constant: onnx.NodeProto) -> bool:
    names = [each.name for each in constant.attribute]
    return len(names) == 1 and names[0] in _NUMBERS and constant.attribute[0].t.data_type not in _NO_NUMBERS
