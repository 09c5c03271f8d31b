"""What the independence proof knows of the tensors of a graph that is being repaired."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.validate.independence import BatchLayout, Layouts, NoBatch, layouts


class BatchLayouts:
    """Where the batch is in each tensor, as the graph is now."""

    def __init__(self, known: Layouts) -> None:
        self._known = known

    @classmethod
    def of(cls, model: ir.Model) -> BatchLayouts:
        """Ask the proof."""
        return cls(layouts(ir.serde.serialize_model(model)))

    def of_value(self, value: ir.Value | None) -> BatchLayout | NoBatch:
        """Return the layout of a tensor, or why it has none."""
        if value is None:
            return NoBatch("it has no input")
        if constants.read(value) is not None:
            return NoBatch(f"its input '{value.name}' is a constant")
        found = self._known.get(str(value.name), NoBatch("the proof cannot see it"))
        return found if isinstance(found, BatchLayout) else NoBatch(f"its input '{value.name}': {found.reason}")
