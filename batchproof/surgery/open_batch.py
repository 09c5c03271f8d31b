"""Pass: declare what the graph can do. A free batch (for detectors also height and width), and nothing stale inside."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery.passes import PassResult, Reason, RecognisedPass, changed, unchanged
from batchproof.surgery.shapes import forget_shapes, image_input
from batchproof.zoo.spec import InputSpec, OutputSpec

BATCH = "N"


class OpenBatch(RecognisedPass):
    """Declare input and outputs with the symbolic batch `N` and drop the shapes recorded inside the graph.

    The recorded shapes were made at batch 1; a runtime that believes them refuses other batches or computes garbage.
    IR version and opset stay as they are.
    """

    def call(self, model: ir.Model) -> PassResult:
        """Declare the shapes of the model's spec."""
        spec = self._recognition.spec
        image = image_input(model, self._recognition.input_name)
        reasons = [_declare(image, _input_shape(spec.input)), _forget(model)]
        values = {value.name: value for value in model.graph.outputs}
        for name, output in zip(self._recognition.output_names, spec.outputs, strict=True):
            reasons.append(_declare(values[name], _output_shape(output)))
        return PassResult.of(model, reasons, otherwise="nothing is declared")


def _input_shape(spec: InputSpec) -> ir.Shape:
    return ir.Shape([BATCH, spec.channels, spec.height or "H", spec.width or "W"])


def _output_shape(spec: OutputSpec) -> ir.Shape:
    if spec.stride is None:
        return ir.Shape([BATCH, spec.channels])
    return ir.Shape([BATCH, f"rows_{spec.stride}", spec.channels])


def _declare(value: ir.Value, shape: ir.Shape) -> Reason:
    if value.shape == shape:
        return unchanged(value.name, f"it is declared {shape} already")
    before, value.shape = value.shape, shape
    return changed(value.name, f"was declared {before}, now {shape}")


def _forget(model: ir.Model) -> Reason:
    inside = [value for node in model.graph.all_nodes() for value in node.outputs if not value.is_graph_output()]
    recorded = sum(value.shape is not None for value in inside)
    forget_shapes(model)
    if not recorded:
        return unchanged(model.graph.name, "no shapes are recorded inside the graph")
    return changed(
        model.graph.name, f"the shapes recorded inside the graph ({recorded}), made for one batch, are dropped"
    )
