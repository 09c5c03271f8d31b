"""Steps that sum products."""

from __future__ import annotations

import numpy as np

from tests.validate.independence.random_graphs.builder import Builder, same, step

_EQUATIONS = ["abc,adc->abd", "abc,abd->acd", "abc,dbc->abd", "abc,abc->abc", "abc,abc->ab", "abc,abc->ca"]


@step("MatMul")
def matmul_constant(b: Builder) -> None:
    source = b.tensor()
    weight = (b.shape(source)[-1], 3)
    b.offer(b.node("MatMul", source, b.weight(weight)), lambda x: x @ np.zeros(weight), source)


@step()
def constant_matmul(b: Builder) -> None:
    source = b.tensor()
    if b.rank(source) > 1:
        weight = (3, b.shape(source)[-2])
        b.offer(b.node("MatMul", b.weight(weight), source), lambda x: np.zeros(weight) @ x, source)


@step()
def matmul(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    b.offer(b.node("MatMul", first, second), lambda x, y: x @ y, first, second)


@step("Einsum")
def einsum(b: Builder) -> None:
    """x times x transposed, over any pair of axes of a tensor of rank 3."""
    source = b.tensor()
    if b.rank(source) == 3:
        equation = b.pick(_EQUATIONS)
        node = b.node("Einsum", source, source, equation=equation)
        b.offer(node, lambda x: np.einsum(equation, x, x), source)


@step("Attention")
def attention(b: Builder) -> None:
    """Of a tensor on itself, masked by a constant or by content."""
    source = b.tensor()
    if b.opset < 23 or b.rank(source) != 4:
        return
    mask = b.pick([_no_mask, _constant_mask, _scores])(b, source)
    b.offer(b.node("Attention", source, source, source, *mask), same, source)


def _no_mask(b: Builder, source: str) -> list[str]:
    return []


def _constant_mask(b: Builder, source: str) -> list[str]:
    return [b.weight((b.shape(source)[2], b.shape(source)[2]))]


def _scores(b: Builder, source: str) -> list[str]:
    return [b.node("MatMul", source, b.node("Transpose", source, perm=[0, 1, 3, 2]))]


@step("Gemm")
def gemm(b: Builder) -> None:
    source = b.tensor()
    if b.rank(source) == 2:
        flag = b.integer(0, 1)
        rows = b.shape(source)[0 if flag else 1]
        node = b.node("Gemm", source, b.weight((rows, 4)), b.weight(b.pick([(4,), (1, 4), (1,)])), transA=flag)
        b.offer(node, lambda x: (x.T if flag else x) @ np.zeros((rows, 4)), source)
