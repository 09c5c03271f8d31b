"""Pass: declare what the graph can do. A free batch (for detectors also height and width), and nothing stale inside."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery.passes import PassResult, Reason, RecognisedPass, changed, unchanged
from batchproof.surgery.shapes import BatchShapes, ImageSize, forget_shapes, image_input
from batchproof.zoo.recognise import Recognition
from batchproof.zoo.spec import InputSpec, OutputSpec

BATCH = "N"


class OpenBatch(RecognisedPass):
    """Declare input and outputs with the symbolic batch `N` and drop the shapes recorded inside the graph.

    The recorded shapes were made at batch 1; a runtime that believes them refuses other batches or computes garbage.
    IR version and opset stay as they are.
    """

    def __init__(self, recognition: Recognition, size: ImageSize) -> None:
        super().__init__(recognition)
        self._size = size

    def call(self, model: ir.Model) -> PassResult:
        """Declare the shapes of the model's spec."""
        spec = self._recognition.spec
        image = image_input(model, self._recognition.input_name)
        reasons = [_declare(image, _input_shape(spec.input)), _forget(model)]
        values = {value.name: value for value in model.graph.outputs}
        shapes = BatchShapes.of(model, self._size)
        for name, output in zip(self._recognition.output_names, spec.outputs, strict=True):
            caveat = _UNSEEN if shapes.follows_batch(values[name]) is None else ""
            reasons.append(_declare(values[name], _output_shape(output), caveat))
        return PassResult.of(model, reasons, otherwise="nothing is declared")

    def ensures(self, model: ir.Model) -> None:
        """Check that shape inference sees no output whose first dimension is not the batch."""
        shapes = BatchShapes.of(model, self._size)
        for value in model.graph.outputs:
            if shapes.follows_batch(value) is False:
                raise ir.passes.PostconditionError(_lost(value, shapes))


_UNSEEN = "; shape inference cannot follow the computed shapes before it, so only running a batch shows that this holds"


def _input_shape(spec: InputSpec) -> ir.Shape:
    return ir.Shape([BATCH, spec.channels, spec.height or "H", spec.width or "W"])


def _output_shape(spec: OutputSpec) -> ir.Shape:
    if spec.stride is None:
        return ir.Shape([BATCH, spec.channels])
    return ir.Shape([BATCH, f"rows_{spec.stride}", spec.channels])


def _declare(value: ir.Value, shape: ir.Shape, caveat: str = "") -> Reason:
    if value.shape == shape:
        return unchanged(value.name, f"it is declared {shape} already{caveat}")
    before, value.shape = value.shape, shape
    return changed(value.name, f"was declared {before}, now {shape}{caveat}")


def _forget(model: ir.Model) -> Reason:
    inside = [value for node in model.graph.all_nodes() for value in node.outputs if not value.is_graph_output()]
    recorded = sum(value.shape is not None for value in inside)
    forget_shapes(model)
    if not recorded:
        return unchanged(model.graph.name, "no shapes are recorded inside the graph")
    return changed(
        model.graph.name, f"the shapes recorded inside the graph ({recorded}), made for one batch, are dropped"
    )


def _lost(output: ir.Value, shapes: BatchShapes) -> str:
    """Say at which node the batch stops being the first axis on the way to `output`."""
    node = _where_lost(output, shapes)
    if node is None or node.inputs[0] is None:
        return f"output '{output.name}' is {shapes.show(output)}: its first axis is not the batch"
    before, after = shapes.show(node.inputs[0]), shapes.show(node.outputs[0])
    return (
        f"on the way to output '{output.name}' the batch leaves the first axis at {node.op_type} '{node.name}': "
        f"{before} becomes {after}, and the output is {shapes.show(output)}"
    )


def _where_lost(output: ir.Value, shapes: BatchShapes) -> ir.Node | None:
    node, seen = output.producer(), set[ir.Node]()
    while node is not None and node not in seen:
        seen.add(node)
        if shapes.batch_axis(node.inputs[0] if node.inputs else None) == 0:
            return node
        producers = (value.producer() for value in node.inputs if value is not None)
        node = next(
            (producer for producer in producers if producer is not None and producer.op_type != "Constant"), None
        )
    return None
