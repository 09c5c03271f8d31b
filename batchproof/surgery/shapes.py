"""Where the batch is, as far as shape inference can tell: the graph's shapes for two batches, compared."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from batchproof.surgery.inference import Dims, infer
from batchproof.zoo.recognise import Recognition

# Two batches that no SCRFD or ArcFace graph has as a channel count; only an axis that follows both is the batch.
_BATCHES = (2, 3)
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


@dataclass(frozen=True)
class BatchShapes:
    """The shapes of one graph for a batch of two and for a batch of three."""

    two: dict[str, Dims]
    three: dict[str, Dims]

    @classmethod
    def of(cls, model: ir.Model, size: ImageSize) -> BatchShapes:
        """Infer both."""
        two, three = (infer(model, (batch, 3, size.height, size.width)) for batch in _BATCHES)
        return cls(two, three)

    def dims(self, value: ir.Value | None) -> Dims | None:
        """Return the dimensions for a batch of two; None when even the rank is unknown."""
        return self.two.get(str(value.name)) if value is not None else None

    def batch_axis(self, value: ir.Value | None) -> int | None:
        """Return the one axis whose length is that of the batch; None when there is none, or when it is unknown."""
        two, three = self.dims(value), self.three.get(str(value.name)) if value is not None else None
        if two is None or three is None:
            return None
        axes = [axis for axis, pair in enumerate(zip(two, three, strict=True)) if pair == _BATCHES]
        return axes[0] if len(axes) == 1 else None

    def follows_batch(self, value: ir.Value) -> bool | None:
        """Tell whether the first dimension is the batch; None when shape inference cannot see it."""
        dims = self.dims(value)
        if not dims or dims[0] is None:
            return None
        return self.batch_axis(value) == 0

    def show(self, value: ir.Value) -> str:
        """Render the dimensions, with N where they follow the batch."""
        dims = self.dims(value)
        if dims is None:
            return "[unknown]"
        axis = self.batch_axis(value)
        return "[" + ", ".join("N" if i == axis else str(dim or "?") for i, dim in enumerate(dims)) + "]"


def _known(shape: ir.Shape) -> Dims:
    return tuple(dim if isinstance(dim, int) else None for dim in shape.dims)
