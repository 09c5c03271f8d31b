"""The mask detector as tf2onnx converts Keras: NHWC at both ends, NCHW within, Reshape, two Dense, Softmax."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.validate.independence.families.form import Form, refuted

FRAME = (28, 28, 3)
_WIDTH, _FLAT = 8, 8 * 2 * 2


def mask_detector(rows: int = -1) -> onnx.ModelProto:
    """`rows` is the first number of the flattening Reshape: Keras converts to `[-1, K]`."""
    random = np.random.default_rng(0)
    shapes = {
        "conv": (_WIDTH, 3, 3, 3), "depthwise": (_WIDTH, 1, 3, 3), "point": (_WIDTH, _WIDTH, 1, 1),
        "dense": (_FLAT, 16), "dense_bias": (16,), "classes": (16, 2), "classes_bias": (2,),
    }  # fmt: skip
    weights = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    constants: dict[str, np.ndarray] = {**weights, "flat": np.array([rows, _FLAT], np.int64)}
    graph = helper.make_graph(
        _nodes(),
        "tf2onnx",
        [helper.make_tensor_value_info("input_1", TensorProto.FLOAT, ["unk__1", *FRAME])],
        [helper.make_tensor_value_info("dense_1", TensorProto.FLOAT, ["unk__2", 2])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def _nodes() -> list[onnx.NodeProto]:
    def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(op, inputs.split(), [output], name=f"StatefulPartitionedCall/{output}", **attributes)

    return [
        node("Transpose", "input_1", "nchw", perm=[0, 3, 1, 2]),
        node("Conv", "nchw conv", "conv1", strides=[2, 2], pads=[0, 0, 1, 1], kernel_shape=[3, 3]),
        node("Clip", "conv1", "relu6"),
        node("Conv", "relu6 depthwise", "depthwise1", group=_WIDTH, auto_pad="SAME_UPPER", kernel_shape=[3, 3]),
        node("Conv", "depthwise1 point", "point1", kernel_shape=[1, 1]),
        node("Add", "relu6 point1", "added"),
        node("AveragePool", "added", "pooled", kernel_shape=[7, 7], strides=[7, 7]),
        node("Transpose", "pooled", "nhwc", perm=[0, 2, 3, 1]),
        node("Reshape", "nhwc flat", "flattened"),
        node("MatMul", "flattened dense", "product1"),
        node("Add", "product1 dense_bias", "biased1"),
        node("Relu", "biased1", "activated"),
        node("MatMul", "activated classes", "product2"),
        node("Add", "product2 classes_bias", "biased2"),
        node("Softmax", "biased2", "dense_1", axis=-1),
    ]


FORMS = (
    Form("mask detector", "tf2onnx, NHWC", mask_detector, FRAME),
    refuted("mask detector", "Reshape to [1, K]", partial(mask_detector, 1), FRAME, "Reshape"),
)
