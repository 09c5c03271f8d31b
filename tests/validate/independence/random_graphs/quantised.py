"""Steps to integers and back."""

from __future__ import annotations

import numpy as np

from tests.validate.independence.random_graphs.builder import Builder, same, step


@step("DequantizeLinear", "QuantizeLinear")
def quantised(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    zero = b.constant(np.array(3, np.uint8))
    if b.opset < 13 or b.integer(0, 1):
        parameters, attributes = [b.floats(0.1), zero], {}
    else:
        length = b.shape(source)[axis]
        parameters = [b.floats([0.1] * length), b.constant(np.full(length, 3, np.uint8))]
        attributes = {"axis": axis}
    numbers = b.node("QuantizeLinear", source, *parameters, **attributes)
    fits = (lambda x: x + np.zeros((length, *[1] * (x.ndim - axis - 1)))) if attributes else same
    b.offer(b.node("DequantizeLinear", numbers, *parameters, **attributes), fits, source)


@step("DynamicQuantizeLinear")
def quantised_by_content(b: Builder) -> None:
    source = b.tensor()
    if not b.careful:
        parts = b.outputs(3, "DynamicQuantizeLinear", source)
        b.offer(b.node("DequantizeLinear", *parts), same, source)
