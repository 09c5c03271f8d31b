"""The image input of a recognised model, and the shapes that a file records."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from batchproof.surgery.inference import Dims
from batchproof.zoo.recognise import Recognition

# Used where the model leaves its height and width free. They differ, so that no axis is taken for another.
_CELLS = (14, 20)


@dataclass(frozen=True)
class ImageSize:
    """Height and width in pixels."""

    height: int
    width: int


def image_size(model: ir.Model, recognition: Recognition) -> ImageSize:
    """Return the size at which to infer shapes: the declared one, else the family's, else a landscape one."""
    declared = image_input(model, recognition.input_name).shape
    height, width = _known(declared)[2:] if declared is not None else (None, None)
    spec = recognition.spec.input
    return ImageSize(
        height or spec.height or _CELLS[0] * spec.multiple_of, width or spec.width or _CELLS[1] * spec.multiple_of
    )


def image_input(model: ir.Model, name: str) -> ir.Value:
    """Return the graph input called `name`."""
    return next(value for value in model.graph.inputs if value.name == name)


def forget_shapes(model: ir.Model) -> None:
    """Drop the recorded shape and type of every tensor inside the graph; inputs, outputs and weights keep theirs."""
    for node in model.graph.all_nodes():
        for value in node.outputs:
            if not value.is_graph_output():
                value.shape, value.type = None, None


def _known(shape: ir.Shape) -> Dims:
    return tuple(dim if isinstance(dim, int) else None for dim in shape.dims)
