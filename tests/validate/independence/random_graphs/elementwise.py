"""Steps that treat every element alike."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from tests.validate.independence.random_graphs.builder import Builder, same, step

_UNARY = {
    "Abs": 6, "Acos": 7, "Acosh": 9, "Asin": 7, "Asinh": 9, "Atan": 7, "Atanh": 9, "Ceil": 6, "Celu": 12, "Cos": 7,
    "Cosh": 9, "Elu": 6, "Erf": 9, "Exp": 6, "Floor": 6, "Gelu": 20, "HardSigmoid": 6, "HardSwish": 14, "Identity": 1,
    "LeakyRelu": 6, "Log": 6, "Mish": 18, "Neg": 6, "Reciprocal": 6, "Relu": 6, "Round": 11, "Selu": 6, "Shrink": 9,
    "Sigmoid": 6, "Sign": 9, "Sin": 7, "Sinh": 9, "Softplus": 1, "Softsign": 1, "Sqrt": 6, "Tan": 7,
    "Tanh": 6, "ThresholdedRelu": 10,
}  # fmt: skip
_BETWEEN_0_AND_1 = ["Acos", "Asin", "Atanh", "Log", "Reciprocal", "Sqrt"]
_COMPARISONS = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]
_BITWISE = {"BitwiseAnd": 18, "BitwiseOr": 18, "BitwiseXor": 18, "BitShift": 11}


@step(*_UNARY, often=2)
def unary(b: Builder) -> None:
    source = b.tensor()
    op = b.pick([op for op, since in _UNARY.items() if since <= b.opset])
    operand = b.node("Sigmoid", source) if op in _BETWEEN_0_AND_1 else source
    operand = b.node("Add", b.node("Abs", source), b.floats(1)) if op == "Acosh" else operand
    b.offer(b.node(op, operand), same, source)


@step("Add", "Div", "Max", "Mean", "Min", "Mul", "Pow", "Sub", "Sum", often=2)
def binary(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    op = b.pick(["Add", "Add", "Mul", "Sub", "Max", "Min", "Div", "Mean", "Pow", "Sum"])
    base = b.node("Sigmoid", first) if op == "Pow" else first
    b.offer(b.node(op, base, second), lambda x, y: x + y, first, second)


@step("Mod")
def modulo(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    b.offer(b.node("Mod", first, second, fmod=1), lambda x, y: x + y, first, second)


@step()
def with_constant(b: Builder) -> None:
    source = b.tensor()
    shape = [dim if b.integer(0, 1) else 1 for dim in b.shape(source)]
    if b.careful:
        shape = [1 if b.follows(source, axis) else dim for axis, dim in enumerate(shape)]
    weight = np.zeros(tuple(shape[b.integer(0, len(shape)) :]))
    b.offer(b.node(b.pick(["Add", "Mul"]), source, b.weight(weight.shape)), lambda x: x + weight, source)


@step("PRelu")
def sloped(b: Builder) -> None:
    source = b.tensor()
    shape = tuple(1 if b.follows(source, axis) and b.careful else n for axis, n in enumerate(b.shape(source)))
    b.offer(b.node("PRelu", source, b.weight(shape)), lambda x: x + np.zeros(shape), source)


@step("Cast", *_COMPARISONS)
def comparison(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    b.offer(b.cast(b.node(b.pick(_COMPARISONS), first, second)), lambda x, y: x + y, first, second)


@step("And", "IsInf", "IsNaN", "Not", "Or", "Xor")
def logic(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    left = b.node("Not", b.node(b.pick(["IsNaN", "IsInf"]), first))
    right = b.node("Less", second, b.floats(0))
    b.offer(b.cast(b.node(b.pick(["And", "Or", "Xor"]), left, right)), lambda x, y: x + y, first, second)


@step("BitwiseNot", *_BITWISE)
def bits(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    left, right = (_small_integers(b, name) for name in (first, second))
    op = b.pick([op for op, since in _BITWISE.items() if since <= b.opset])
    mixed = b.node(op, left, right, **({"direction": "LEFT"} if op == "BitShift" else {}))
    mixed = b.node("BitwiseNot", mixed) if b.opset >= 18 and b.integer(0, 1) else mixed
    b.offer(b.cast(mixed), lambda x, y: x + y, first, second)


def _small_integers(b: Builder, name: str) -> str:
    return b.cast(b.node("Clip", b.node("Abs", name), b.floats(0), b.floats(7)), TensorProto.UINT8)


@step("Where")
def where(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    flag = b.node("Greater", first, second)
    b.offer(b.node("Where", flag, first, second), lambda x, y: x + y, first, second)


@step("CastLike", "Clip", "Dropout")
def nearly_nothing(b: Builder) -> None:
    source = b.tensor()
    kind = b.integer(0, 3)
    if kind == 0:
        b.offer(b.node("Clip", source, b.floats(-1), b.floats(1)), same, source)
    elif kind == 1:
        b.offer(b.outputs(2, "Dropout", source)[0], same, source)
    elif kind == 2:
        b.offer(b.cast(b.cast(source, b.pick([TensorProto.FLOAT16, TensorProto.DOUBLE]))), same, source)
    elif b.opset >= 15:
        b.offer(b.node("CastLike", source, b.tensor()), same, source)
