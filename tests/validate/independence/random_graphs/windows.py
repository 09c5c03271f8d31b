"""Steps that slide windows over space."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.validate.independence.random_graphs.builder import Array, Builder, step


@step("Conv")
def conv(b: Builder) -> None:
    source = b.tensor()
    shape = b.shape(source)
    if len(shape) == 3 and not b.follows(source, 1):
        kernel, stride = min(shape[2], b.integer(1, 3)), b.integer(1, 2)
        node = b.node("Conv", source, b.weight((4, shape[1], kernel)), strides=[stride])
        b.offer(node, lambda x: np.zeros((x.shape[0], 4, (x.shape[2] - kernel) // stride + 1)), source)


@step()
def conv_of_images(b: Builder) -> None:
    source = b.tensor()
    shape = b.shape(source)
    if len(shape) == 4 and not b.follows(source, 1):
        node = b.node("Conv", source, b.weight((2, shape[1], 3, 3)), auto_pad=b.pick(["SAME_UPPER", "SAME_LOWER"]))
        b.offer(node, lambda x: np.zeros((x.shape[0], 2, *x.shape[2:])), source)


@step("ConvTranspose")
def conv_transpose(b: Builder) -> None:
    source = b.tensor()
    shape = b.shape(source)
    if len(shape) == 3 and not b.follows(source, 1):
        stride, kernel = b.integer(1, 2), b.integer(1, 3)
        node = b.node("ConvTranspose", source, b.weight((shape[1], 2, kernel)), strides=[stride])
        b.offer(node, lambda x: np.zeros((x.shape[0], 2, stride * (x.shape[2] - 1) + kernel)), source)


@step("AveragePool", "LpPool", "MaxPool")
def pool(b: Builder) -> None:
    source = b.tensor()
    if b.rank(source) == 3:
        op, stride = b.pick(["AveragePool", "LpPool", "MaxPool"]), b.integer(1, 2)
        rounded: dict[str, Any] = {"ceil_mode": 1} if op != "LpPool" and b.integer(0, 1) else {}
        node = b.node(op, source, kernel_shape=[2], strides=[stride], **rounded)

        def apply(x: Array) -> Array:
            spare = x.shape[2] - 2
            return np.zeros((*x.shape[:2], (-(-spare // stride) if rounded else spare // stride) + 1))

        b.offer(node, apply, source)


@step("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool")
def global_pool(b: Builder) -> None:
    source = b.tensor()
    if b.rank(source) in (3, 4):
        axes = tuple(range(2, b.rank(source)))
        # ONNX Runtime has no GlobalLpPool of opset 22.
        op = b.pick(["GlobalAveragePool", "GlobalMaxPool", *(["GlobalLpPool"] if b.opset < 22 else [])])
        b.offer(b.node(op, source), lambda x: x.mean(axis=axes, keepdims=True), source)
