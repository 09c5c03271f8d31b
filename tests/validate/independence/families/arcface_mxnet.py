"""arcface_r100_v1: normalisation in the graph, BN with fixed gamma, dropout, `pre_fc1`, `fc1`; shallow here."""

from __future__ import annotations

from functools import partial

import onnx

from tests.validate.independence.families.form import Form, refuted
from tests.validate.independence.families.mxnet import MxnetGraph

FRAME = (3, 28, 28)
_WIDTH, _EMBEDDING = 8, 16
_FLAT = _WIDTH * 7 * 7


def arcface(opset: int, rows: int | None = None) -> onnx.ModelProto:
    """FullyConnected as Flatten and Gemm; with `rows`, as a Reshape to `[rows, -1]`, MatMul and Add."""
    g = MxnetGraph(opset)
    x = g.conv("conv0", g.normalised("data"), 3, _WIDTH, 3)
    x = g.prelu("relu0", g.batch_norm("bn0", x, _WIDTH), _WIDTH)
    for index in range(1, 5):
        x = _unit(g, f"stage{index}_unit1", x, stride=2 if index < 3 else 1)
    # Dropout is what MXNet writes before the layer; it is the identity here.
    x = g.node("Dropout", "dropout0", g.batch_norm("bn1", x, _WIDTH, fix_gamma=False))
    g.batch_norm("fc1", _fully_connected(g, x, rows), _EMBEDDING)
    return g.model(FRAME, {"fc1": [_EMBEDDING]})


def _unit(g: MxnetGraph, name: str, x: str, stride: int) -> str:
    y = g.conv(f"{name}_conv1", g.batch_norm(f"{name}_bn1", x, _WIDTH), _WIDTH, _WIDTH, 3)
    y = g.prelu(f"{name}_relu1", g.batch_norm(f"{name}_bn2", y, _WIDTH), _WIDTH)
    y = g.batch_norm(f"{name}_bn3", g.conv(f"{name}_conv2", y, _WIDTH, _WIDTH, 3, stride), _WIDTH)
    if stride > 1:
        x = g.batch_norm(f"{name}_sc", g.conv(f"{name}_conv1sc", x, _WIDTH, _WIDTH, 1, stride), _WIDTH)
    return g.node("Add", f"{name}_plus", y, x)


def _fully_connected(g: MxnetGraph, x: str, rows: int | None) -> str:
    if rows is None:
        return g.gemm("pre_fc1", g.node("Flatten", "flatten0", x), _FLAT, _EMBEDDING)
    product = g.node(
        "MatMul", "pre_fc1_dot", g.reshape("reshape0", x, [rows, -1]), g.weight("pre_fc1_w", _FLAT, _EMBEDDING)
    )
    return g.node("Add", "pre_fc1", product, g.weight("pre_fc1_b", _EMBEDDING))


FORMS = (
    Form("ArcFace MXNet", "Flatten and Gemm, opset 8", partial(arcface, 8), FRAME),
    Form("ArcFace MXNet", "Reshape [0, -1] and MatMul, opset 11", partial(arcface, 11, 0), FRAME),
    refuted("ArcFace MXNet", "Reshape [1, -1] and MatMul", partial(arcface, 11, 1), FRAME, "Reshape"),
)
