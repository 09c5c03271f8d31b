"""Steps that read or write elements by number."""

from __future__ import annotations

import numpy as np

from tests.validate.independence.random_graphs.builder import Array, Builder, same, step


@step("Slice")
def slice_(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    start, end, step_ = b.pick([0, 0, 1, -1]), b.pick([1, 2, -1, 2**62]), b.pick([1, 1, 2])
    if b.integer(0, 5) == 0:
        start, end, step_ = -1, -(2**62), -1
    index = slice(start, None if abs(end) > 2**61 else end, step_)
    inputs = [b.ints([value]) for value in (start, end, axis, step_)]
    b.offer(b.node("Slice", source, *inputs), lambda x: x[tuple([slice(None)] * axis + [index])], source)


@step("Gather")
def gather(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    numbers = [b.integer(-1, 1) for _ in range(b.integer(1, 2))]
    indices = np.array(numbers[0] if b.integer(0, 1) else numbers, dtype=np.int64)
    picked = b.node("Gather", source, b.constant(indices), axis=axis)
    b.offer(picked, lambda x: np.take(x, indices, axis), source)


@step("ArgMax", "ArgMin")
def table(b: Builder) -> None:
    """Rows of a constant table, by numbers from the frames."""
    source = b.tensor()
    axis, keep = b.axis(source), b.integer(0, 1)
    numbers = b.node(b.pick(["ArgMax", "ArgMin"]), source, axis=axis, keepdims=keep)
    rows = b.weight((max(b.shape(source, 5)[axis], b.shape(source, 2)[axis]), 3))
    row = np.zeros(3)
    b.offer(b.node("Gather", rows, numbers), lambda x: x.max(axis, keepdims=bool(keep))[..., None] + row, source)


@step("GatherElements")
def gather_elements(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    shape = [min(dim, 2) if b.integer(0, 1) else dim for dim in b.shape(source)]
    indices = np.zeros(shape, dtype=np.int64)

    def apply(x: Array) -> Array:
        return np.take_along_axis(x[tuple(slice(0, size) for size in shape)], indices, axis)

    b.offer(b.node("GatherElements", source, b.constant(indices), axis=axis), apply, source)


@step()
def gather_elements_by_content(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    numbers = b.node("ArgMax", source, axis=axis)
    picked = b.node("GatherElements", source, numbers, axis=axis)
    b.offer(picked, lambda x: x.max(axis, keepdims=True), source)


@step("ScatterElements")
def scatter_elements(b: Builder) -> None:
    """Writes the largest of a row over its smallest, or adds it to that."""
    source = b.tensor()
    axis = b.axis(source)
    largest, numbers = b.with_axes("ReduceMax", source, [axis], 18), b.node("ArgMin", source, axis=axis)
    reduction = {"reduction": b.pick(["none", "add"])} if b.opset >= 16 else {}
    b.offer(b.node("ScatterElements", source, numbers, largest, axis=axis, **reduction), same, source)


@step("GatherND")
def gather_nd(b: Builder) -> None:
    """One element of each row by content, with all axes in front shared; or constant tuples."""
    source = b.tensor()
    rank = b.rank(source)
    if rank > 1 and b.integer(0, 1):
        numbers = b.node("ArgMax", source, axis=rank - 1)
        b.offer(b.node("GatherND", source, numbers, batch_dims=rank - 1), lambda x: x[..., 0], source)
        return
    turned = b.node("Transpose", source, perm=list(reversed(range(rank)))) if b.integer(0, 1) else source
    apply = (lambda x: x.transpose()[[0, 0]]) if turned != source else (lambda x: x[[0, 0]])
    b.offer(b.node("GatherND", turned, b.ints([[0], [0]])), apply, source)


@step("ScatterND")
def scatter_nd(b: Builder) -> None:
    """Writes a slice of another place over the first one."""
    source = b.tensor()
    axes = list(reversed(range(b.rank(source)))) if b.integer(0, 1) else list(range(b.rank(source)))
    turned = b.node("Transpose", source, perm=axes)
    update = b.node("Gather", turned, b.ints([-1]))
    b.offer(b.node("ScatterND", turned, b.ints([[0]]), update), lambda x: x.transpose(axes), source)


@step("OneHot")
def one_hot(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    numbers = b.node("ArgMax", source, axis=axis, keepdims=0)
    marked = b.node("OneHot", numbers, b.ints(3), b.floats([0, 1]), axis=b.pick([-1, 0]))
    first = b.nodes[-1].attribute[0].i == 0
    b.offer(marked, lambda x: np.stack([x.max(axis)] * 3, 0 if first else -1), source)


@step("Trilu")
def trilu(b: Builder) -> None:
    source = b.tensor()
    if b.opset >= 14 and b.rank(source) >= 2:
        b.offer(b.node("Trilu", source, b.ints(b.integer(-1, 1)), upper=b.integer(0, 1)), same, source)


@step("Compress")
def compress(b: Builder) -> None:
    """By a constant condition, along an axis of the batch or of all elements."""
    source = b.tensor()
    kept = np.array([True, False, True])
    b.offer(b.node("Compress", source, b.constant(kept)), lambda x: np.compress(kept, x), source)
