"""2d106det, 1k3d68 and genderage, all MXNet: leading BN or scalars, pooling over all of the picture, FullyConnected."""

from __future__ import annotations

from functools import partial

import onnx

from tests.validate.independence.families.form import Form, refuted
from tests.validate.independence.families.mxnet import MxnetGraph

_WIDTH = 8
_CROP, _SMALL_CROP = (3, 48, 48), (3, 32, 32)


def mobilenet(results: int, *, rows: int | None = None) -> onnx.ModelProto:
    """2d106det and genderage: `bn_data`, depthwise and pointwise steps, PReLU."""
    g = MxnetGraph(8)
    x = _unit(g, "conv_1", g.batch_norm("bn_data", "data", 3), 3, 3, 2)
    for index in range(2, 5):
        x = _unit(g, f"conv_{index}_dw", x, _WIDTH, 3, 2 if index % 2 else 1, group=_WIDTH)
        x = _unit(g, f"conv_{index}", x, _WIDTH, 1)
    return _pooled(g, x, results, rows, _SMALL_CROP if results < 10 else _CROP)


def resnet(results: int) -> onnx.ModelProto:
    """1k3d68: scalars, max pooling, bottlenecks of pre-activations."""
    g = MxnetGraph(8)
    x = _unit(g, "conv0", g.normalised("data"), 3, 7, 2)
    x = g.node("MaxPool", "pooling0", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for index in range(2):
        before = x
        for part, kernel in enumerate((1, 3, 1)):
            normed = g.batch_norm(f"unit{index}_bn{part}", x, _WIDTH, fix_gamma=False)
            activated = g.node("Relu", f"unit{index}_relu{part}", normed)
            x = g.conv(f"unit{index}_conv{part}", activated, _WIDTH, _WIDTH, kernel)
        x = g.node("Add", f"_plus{index}", x, before)
    return _pooled(g, x, results, None, _CROP)


def _unit(g: MxnetGraph, name: str, x: str, inputs: int, kernel: int, stride: int = 1, group: int = 1) -> str:
    conv = g.conv(f"{name}_conv2d", x, inputs, _WIDTH, kernel, stride, group)
    return g.prelu(f"{name}_relu", g.batch_norm(f"{name}_batchnorm", conv, _WIDTH), _WIDTH)


def _pooled(g: MxnetGraph, x: str, results: int, rows: int | None, frame: tuple[int, ...]) -> onnx.ModelProto:
    pooled = g.node("GlobalAveragePool", "global_pool", x)
    flat = g.node("Flatten", "flatten0", pooled) if rows is None else g.reshape("reshape0", pooled, [rows, _WIDTH])
    g.gemm("fc1", flat, _WIDTH, results)
    return g.model(frame, {"fc1": [results]})


FORMS = (
    Form("2d106det", "Flatten and Gemm", partial(mobilenet, 212), _CROP),
    refuted("2d106det", "Reshape [1, C]", partial(mobilenet, 212, rows=1), _CROP, "Reshape"),
    Form("1k3d68", "Flatten and Gemm", partial(resnet, 3309), _CROP),
    Form("genderage", "Flatten and Gemm", partial(mobilenet, 3), _SMALL_CROP),
    Form("genderage v1", "202 logits", partial(mobilenet, 202), _CROP),
)
