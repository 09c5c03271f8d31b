"""Pass: weights are constants, not inputs (files of IR version 3 list every initialiser as an input too)."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes.common import RemoveInitializersFromInputsPass

from batchproof.surgery.passes import PassResult, Reason, SurgeryPass, changed

# The first IR version in which an initialiser need not be an input.
_CONSTANTS_IR_VERSION = 4


class DropInitializerInputs(SurgeryPass):
    """Leave only the image as input: the weights can then be folded, and no later pass meets a changeable constant."""

    def call(self, model: ir.Model) -> PassResult:
        """Remove the initialisers from the inputs, and raise an IR version that would demand them there."""
        listed = [value.name for value in model.graph.inputs if value.is_initializer()]
        RemoveInitializersFromInputsPass()(model)
        reasons = [changed(name, "is a weight and no longer listed as an input of the graph") for name in listed]
        return PassResult.of(model, reasons + _raise_ir_version(model), otherwise="no weight is listed as an input")

    def ensures(self, model: ir.Model) -> None:
        """Check that no input is a weight."""
        for value in model.graph.inputs:
            if value.is_initializer():
                raise ir.passes.PostconditionError(f"'{value.name}' is still both a weight and an input")


def _raise_ir_version(model: ir.Model) -> list[Reason]:
    if model.ir_version >= _CONSTANTS_IR_VERSION:
        return []
    sentence = (
        f"IR version {model.ir_version} becomes {_CONSTANTS_IR_VERSION}, the first with weights that are no inputs"
    )
    model.ir_version = _CONSTANTS_IR_VERSION
    return [changed(model.graph.name, sentence)]
