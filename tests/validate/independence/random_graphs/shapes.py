"""Steps that rename, reorder or repeat."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.validate.independence.random_graphs.builder import Apply, Array, Builder, step


@step("Transpose", often=2)
def transpose(b: Builder) -> None:
    source = b.tensor()
    perm = list(b.draw(st.permutations(range(b.rank(source)))))
    b.offer(b.node("Transpose", source, perm=perm), lambda x: x.transpose(perm), source)


@step("Reshape", often=2)
def reshape(b: Builder) -> None:
    source = b.tensor()
    target = b.pick([_merged, _split, _flat, _rows, _front])(b, source)
    b.offer(b.node("Reshape", source, b.ints(target)), _resolver(target), source)


def _merged(b: Builder, source: str) -> list[int]:
    at = b.integer(0, max(b.rank(source) - 2, 0))
    return [*([0] * at), -1, *b.shape(source)[at + 2 :]]


def _split(b: Builder, source: str) -> list[int]:
    shape, at = list(b.shape(source)), b.axis(source)
    part = b.pick([part for part in (2, 3) if shape[at] % part == 0] or [1])
    if at == 0 or b.integer(0, 1):
        return [*([0] * at), part, -1, *shape[at + 1 :]]
    return [-1, *shape[1:at], part, shape[at] // part, *shape[at + 1 :]]


def _flat(b: Builder, source: str) -> list[int]:
    return [0, -1]


def _rows(b: Builder, source: str) -> list[int]:
    return [-1, b.shape(source)[-1]]


def _front(b: Builder, source: str) -> list[int]:
    return [b.pick([-1, 1, 2]), *b.shape(source)[1:]] if b.integer(0, 1) else [1, -1]


def _resolver(target: list[int]) -> Apply:
    def apply(x: Array) -> Array:
        return x.reshape([x.shape[axis] if entry == 0 else entry for axis, entry in enumerate(target)])

    return apply


@step("Shape")
def computed_reshape(b: Builder) -> None:
    """[Shape[i], -1] or [-1, Shape[i]], as exporters write it."""
    source = b.tensor()
    axis = b.integer(0, b.rank(source) - 1)
    number, rest = b.node("Gather", b.node("Shape", source), b.ints([axis])), b.ints([-1])
    if b.integer(0, 1):
        target = b.node("Concat", number, rest, axis=0)
        b.offer(b.node("Reshape", source, target), lambda x: x.reshape((x.shape[axis], -1)), source)
    else:
        target = b.node("Concat", rest, number, axis=0)
        b.offer(b.node("Reshape", source, target), lambda x: x.reshape((-1, x.shape[axis])), source)


@step("Flatten")
def flatten(b: Builder) -> None:
    source = b.tensor()
    axis = b.integer(0, b.rank(source))
    b.offer(b.node("Flatten", source, axis=axis), lambda x: x.reshape(int(np.prod(x.shape[:axis])), -1), source)


@step("Squeeze")
def squeeze(b: Builder) -> None:
    source = b.tensor()
    axis = b.integer(0, b.rank(source) - 1)
    b.offer(b.with_axes("Squeeze", source, [axis], 13), lambda x: x.squeeze(axis), source)


@step("Unsqueeze")
def unsqueeze(b: Builder) -> None:
    source = b.tensor()
    axis = b.integer(0, b.rank(source))
    b.offer(b.with_axes("Unsqueeze", source, [axis], 13), lambda x: np.expand_dims(x, axis), source)


@step("Expand")
def expand(b: Builder) -> None:
    source = b.tensor()
    target = [2, *[1] * (b.rank(source) - b.integer(0, 1))]
    b.offer(b.node("Expand", source, b.ints(target)), lambda x: x + np.zeros(target), source)


@step("Tile")
def tile(b: Builder) -> None:
    source = b.tensor()
    repeats = [1] * b.rank(source)
    repeats[b.axis(source)] = 2
    b.offer(b.node("Tile", source, b.ints(repeats)), lambda x: np.tile(x, repeats), source)
