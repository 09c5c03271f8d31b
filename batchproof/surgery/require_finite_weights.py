"""Pass: nothing is repaired in a graph whose weights are not numbers; they are named."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.artifacts.onnx_file import non_finite_weights
from batchproof.errors import first_few
from batchproof.surgery.passes import PassResult, SurgeryPass, unchanged


class RequireFiniteWeights(SurgeryPass):
    """Change nothing, and stop the repair when a weight holds NaN or Inf, whatever of the graph reads it.

    Without this the comparison with the original would fail later with NaN for a figure, and not say why.
    """

    def call(self, model: ir.Model) -> PassResult:
        """Name the weights."""
        because = "it holds NaN or Inf, and what it should hold only the training knows"
        reasons = [unchanged(name, because) for name in _broken(model)]
        return PassResult.of(model, reasons, otherwise="all weights are finite")

    def ensures(self, model: ir.Model) -> None:
        """Check that all weights are finite."""
        if broken := _broken(model):
            shown = first_few([f"'{name}'" for name in broken])
            raise ir.passes.PostconditionError(f"the weights hold NaN or Inf: {shown}")


def _broken(model: ir.Model) -> list[str]:
    return non_finite_weights(ir.serde.serialize_model(model))
