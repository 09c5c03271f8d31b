"""RetinaFace r50/mnet025 as converted from MXNet: Crop as Slice, UpSampling by scales, softmax between two Reshapes."""

from __future__ import annotations

from functools import partial

import numpy as np
import onnx

from tests.validate.independence.families.form import Form, refuted
from tests.validate.independence.families.mxnet import MxnetGraph
from tests.validate.independence.families.simplifying import simplified

FRAME = (3, 64, 96)
_WIDTH, _ANCHORS = 8, 2
_SIZES = {32: (2, 3), 16: (4, 6), 8: (8, 12)}


def retinaface(opset: int = 11, *, rows: int = 0) -> onnx.ModelProto:
    """Strides 32, 16, 8. `rows` is the first number in the shapes around the softmax: 0 copies the batch."""
    g = MxnetGraph(opset)
    x = g.batch_norm("bn_data", "data", 3)
    levels = {}
    for stride in (2, 4, 8, 16, 32):
        x = _unit(g, f"step{stride}", x, 3 if stride == 2 else _WIDTH, 3, 2)
        levels[stride] = x
    above = _unit(g, "rf_c3_lateral", levels[32], _WIDTH, 1)
    outputs = _head(g, 32, above, rows)
    for stride in (16, 8):
        lateral = _unit(g, f"rf_c{stride}_lateral", levels[stride], _WIDTH, 1)
        merged = g.node("Add", f"plus{stride}", _cropped(g, stride, above, lateral), lateral)
        above = _unit(g, f"rf_c{stride}_aggr", merged, _WIDTH, 3)
        outputs |= _head(g, stride, above, rows)
    return g.model(FRAME, outputs)


def _unit(g: MxnetGraph, name: str, x: str, inputs: int, kernel: int, stride: int = 1) -> str:
    conv = g.conv(f"{name}_conv", x, inputs, _WIDTH, kernel, stride)
    return g.node("Relu", f"{name}_relu", g.batch_norm(f"{name}_bn", conv, _WIDTH))


def _cropped(g: MxnetGraph, stride: int, above: str, lateral: str) -> str:
    """Twice as large, and cut to the size of the lateral: by numbers, or by its Shape where Slice takes one."""
    scales = g.constant(f"up{stride}_scales", [1, 1, 2, 2])
    if g.opset < 10:
        up = g.node("Upsample", f"up{stride}", above, scales, mode="nearest")
        return g.node("Slice", f"crop{stride}", up, starts=[0, 0], ends=_SIZES[stride], axes=[2, 3])
    roi = g.constant(f"up{stride}_roi", np.zeros(0))
    nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    up = g.node("Resize", f"up{stride}", above, roi, scales, **nearest)
    ends = g.node("Shape", f"crop{stride}_shape", lateral)
    return g.node("Slice", f"crop{stride}", up, g.constant(f"crop{stride}_starts", [0] * 4, np.int64), ends)


def _head(g: MxnetGraph, stride: int, x: str, rows: int) -> dict[str, tuple[int, ...]]:
    score = g.conv(f"face_rpn_cls_score_stride{stride}", x, _WIDTH, 2 * _ANCHORS, 1)
    paired = g.reshape(f"face_rpn_cls_score_reshape_stride{stride}", score, [rows, 2, -1, 0])
    prob = g.node("Softmax", f"face_rpn_cls_prob_stride{stride}", paired, axis=1)
    channels = {g.reshape(f"face_rpn_cls_prob_reshape_stride{stride}", prob, [rows, 2 * _ANCHORS, -1, 0]): 2 * _ANCHORS}
    for kind, width in (("bbox", 4), ("landmark", 10)):
        conv = g.conv(f"face_rpn_{kind}_pred_stride{stride}", x, _WIDTH, width * _ANCHORS, 1)
        channels[conv] = width * _ANCHORS
    return {name: (count, *_SIZES[stride]) for name, count in channels.items()}


def folded() -> onnx.ModelProto:
    """Crop ends where the lateral of one frame ended."""
    return simplified(retinaface(), FRAME)


FORMS = (
    Form("RetinaFace", "MXNet, opset 9", partial(retinaface, 9), FRAME),
    Form("RetinaFace", "MXNet, opset 11", retinaface, FRAME),
    Form("RetinaFace", "MXNet, opset 14", partial(retinaface, 14), FRAME),
    refuted("RetinaFace", "static-simplified", folded, FRAME, "Slice", "content"),
    # The Reshape only cuts through the frames, and a second one could put that right; the Softmax mixes them.
    refuted("RetinaFace", "Reshape to [1, 2, -1, 0]", partial(retinaface, 14, rows=1), FRAME, "Softmax", "content"),
)
