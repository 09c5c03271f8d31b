"""Steps that cut an axis into parts, or join tensors along one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.validate.independence.random_graphs.builder import Array, Builder, step


@step("Concat")
def concat(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    axis = b.axis(first)
    b.offer(b.node("Concat", first, second, axis=axis), lambda x, y: np.concatenate([x, y], axis), first, second)


@step()
def concat_constant(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    shape = (*b.shape(source)[:axis], 1, *b.shape(source)[axis + 1 :])
    joined = b.node("Concat", source, b.weight(shape), axis=axis)
    b.offer(joined, lambda x: np.concatenate([x, np.zeros(shape)], axis), source)


@step("Split")
def first_and_rest(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    length = b.shape(source)[axis]
    sizes = [1, length - 1]

    def apply(x: Array) -> Array:
        if x.shape[axis] != length or length < 2:
            raise ValueError("the parts do not fit")
        return np.split(x, [1], axis)[1]

    inputs = [source, b.ints(sizes)] if b.opset >= 13 else [source]
    attributes: dict[str, Any] = {} if b.opset >= 13 else {"split": sizes}
    b.offer(b.outputs(2, "Split", *inputs, axis=axis, **attributes)[1], apply, source)


@step()
def halves(b: Builder) -> None:
    """Two equal parts, of any axis."""
    source = b.tensor()
    axis = b.integer(0, b.rank(source) - 1)
    attributes = {"axis": axis, "num_outputs": 2} if b.opset >= 18 else {"axis": axis}
    b.offer(b.outputs(2, "Split", source, **attributes)[1], lambda x: np.split(x, 2, axis)[1], source)
