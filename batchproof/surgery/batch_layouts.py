"""What the independence proof knows of the tensors of a graph that is being repaired."""

from __future__ import annotations

import onnx
import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.validate.independence import BatchLayout, Layouts, NoBatch, layouts

# Arithmetic on shapes has a few elements; anything larger is a weight, and the proof does not look into it.
_LARGEST_SHAPE = 1024


class BatchLayouts:
    """Where the batch is in each tensor, as the graph is now."""

    def __init__(self, known: Layouts) -> None:
        self._known = known

    @classmethod
    def of(cls, model: ir.Model) -> BatchLayouts:
        """Ask the proof."""
        return cls(layouts(without_weights(model)))

    def of_value(self, value: ir.Value | None) -> BatchLayout | NoBatch:
        """Return the layout of a tensor, or why it has none."""
        if value is None:
            return NoBatch("it has no input")
        if constants.read(value) is not None:
            return NoBatch(f"its input '{value.name}' is a constant")
        found = self._known.get(str(value.name), NoBatch("the proof cannot see it"))
        return found if isinstance(found, BatchLayout) else NoBatch(f"its input '{value.name}': {found.reason}")


def without_weights(model: ir.Model) -> onnx.ModelProto:
    """Serialise `model` for the proof: weights are only declared, so that no megabytes are copied again and again."""
    held = {value: value.const_value for value in model.graph.initializers.values()}
    weights = {value: tensor for value, tensor in held.items() if tensor is not None and tensor.size > _LARGEST_SHAPE}
    for value in weights:
        value.const_value = None
        model.graph.initializers.pop(str(value.name))
    try:
        proto = ir.serde.serialize_model(model)
    finally:
        model.graph.initializers.clear()
        for value, tensor in held.items():
            value.const_value = tensor
            model.graph.register_initializer(value)
    declared = (
        onnx.TensorProto(name=value.name, data_type=int(tensor.dtype), dims=list(tensor.shape.numpy()))
        for value, tensor in weights.items()
    )
    proto.graph.initializer.extend(declared)
    return proto
