"""Pass: a Resize to fixed sizes `[1, C, h, w]` shrinks every batch to its first frame; fixed scales do not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.surgery.inference import Dims, infer
from batchproof.surgery.passes import PassResult, Reason, SurgeryPass, changed, unchanged
from batchproof.surgery.shapes import ImageSize

_SCALES, _SIZES = 2, 3


class FreeResize(SurgeryPass):
    """Turn the constant `sizes` of each Resize into the constant `scales` that give the same size for one frame.

    The ratio is taken from the shapes at batch 1 and at the size for which the file was made. It must be exact in
    float32: then the result is the same there, and follows the input at other sizes.
    """

    def __init__(self, size: ImageSize) -> None:
        self._size = size

    def call(self, model: ir.Model) -> PassResult:
        """Free every Resize of the main graph."""
        resizes = _resizes(model)
        shapes = infer(model, (1, 3, self._size.height, self._size.width)) if resizes else {}
        reasons = [_free(model.graph, node, shapes) for node in resizes]
        return PassResult.of(model, reasons, otherwise="the graph has no Resize")


def _resizes(model: ir.Model) -> list[ir.Node]:
    return [node for node in model.graph if node.op_type == "Resize" and node.domain == ""]


def _free(graph: ir.Graph, node: ir.Node, shapes: dict[str, Dims]) -> Reason:
    sizes_input = constants.input_of(node, _SIZES)
    if sizes_input is None:
        return unchanged(node.name, "it is given scales, which follow the size of the batch")
    sizes = constants.read(sizes_input)
    if sizes is None:
        return unchanged(node.name, "its target size is computed in the graph, not fixed")
    if obstacle := _obstacle(node):
        return unchanged(node.name, obstacle)
    source = _resized_dims(node, shapes)
    if source is None:
        return unchanged(node.name, "shape inference does not know the size of its input, so the scale is unknown")
    targets = [int(target) for target in sizes.tolist()]
    scales = [_exact_scale(target, dim) for target, dim in zip(targets, source, strict=True)]
    shown = ", ".join(str(Fraction(target, dim)) for target, dim in zip(targets, source, strict=True))
    if any(scale is None for scale in scales):
        return unchanged(node.name, f"its scales [{shown}] are not exact in float32 and could miss the size by a pixel")
    _use_scales(graph, node, sizes_input, np.array(scales, dtype=np.float32))
    return changed(
        node.name, f"the fixed size {targets}, which ends the batch after one frame, becomes scales [{shown}]"
    )


def _obstacle(node: ir.Node) -> str | None:
    """Name the attribute under which scales would mean something else than sizes."""
    if node.attributes.get_string("keep_aspect_ratio_policy", "stretch") != "stretch":
        return "its keep_aspect_ratio_policy applies to sizes only"
    if node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        return "with tf_crop_and_resize its scales would apply to the cropped region, not to the input"
    return None


def _resized_dims(node: ir.Node, shapes: dict[str, Dims]) -> list[int] | None:
    """Return the lengths of the axes that `sizes` speaks about: all, or those of the attribute `axes` (opset 18)."""
    dims = shapes.get(str(node.inputs[0].name)) if node.inputs[0] is not None else None
    if dims is None:
        return None
    axes = node.attributes.get_ints("axes", range(len(dims)))
    known = [dim for dim in (dims[axis] for axis in axes) if dim]
    return known if len(known) == len(axes) else None


def _exact_scale(target: int, source: int) -> float | None:
    scale = float(np.float32(target / source))
    return scale if Fraction(scale) == Fraction(target, source) else None


def _use_scales(
    graph: ir.Graph, node: ir.Node, sizes: ir.Value, scales: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> None:
    node.replace_input_with(_SCALES, constants.rewrite(graph, sizes, scales, readers=[node]))
    node.resize_inputs(_SIZES)
