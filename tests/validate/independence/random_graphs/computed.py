"""Steps with tensors that are made of shapes alone, and with decisions on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

import onnx
from onnx import TensorProto, helper

from tests.validate.independence.random_graphs.builder import BATCHES, Builder, same, step

_SIZES = (1, *BATCHES)


@step("Size")
def times_length(b: Builder) -> None:
    """Multiplies with the length of an axis, or of all; no row may depend on the number of rows."""
    source = b.tensor()
    number = b.node("Gather", b.node("Shape", source), b.ints(b.integer(0, b.rank(source) - 1)))
    number = b.node("Size", source) if b.integer(0, 3) == 0 else number
    b.offer(b.node("Mul", source, b.cast(number)), same, source)


@step("ConstantOfShape")
def filled(b: Builder) -> None:
    source = b.tensor()
    ones = b.node("ConstantOfShape", b.node("Shape", source))
    b.offer(b.node("Add", source, ones), same, source)


@step("Range")
def counted(b: Builder) -> None:
    """Adds the numbers along the last axis."""
    source = b.tensor()
    length = b.node("Gather", b.node("Shape", source), b.ints(b.rank(source) - 1))
    b.offer(b.node("Add", source, b.cast(b.node("Range", b.ints(0), length, b.ints(1)))), same, source)


@step("EyeLike")
def diagonal(b: Builder) -> None:
    source = b.tensor()
    if b.rank(source) == 2:
        b.offer(b.node("Mul", source, b.node("EyeLike", source, dtype=TensorProto.FLOAT)), same, source)


@step("Constant")
def with_constant_node(b: Builder) -> None:
    source = b.tensor()
    b.offer(b.node("Mul", source, b.node("Constant", value_float=0.5)), same, source)


@dataclass(frozen=True)
class Number:
    """A number computed from shapes: its tensor, and its value by batch size."""

    name: str
    values: tuple[int, ...]


_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "Add": lambda x, y: x + y,
    "Div": lambda x, y: x // y,
    "Max": max,
    "Min": min,
    "Mod": lambda x, y: x % y,
    "Mul": lambda x, y: x * y,
    "Sub": lambda x, y: x - y,
}
_ROUNDED: dict[str, Callable[[float], int]] = {"Cast": int, "Ceil": ceil, "Floor": floor}


@step("If")
def decided(b: Builder) -> None:
    """Leaves the tensor alone if a comparison of two computed numbers holds, and adds up along axis 0 if not."""
    source = b.tensor()
    left, right = (_expression(b, b.integer(1, 3)) for _ in range(2))
    if left is None or right is None:
        return
    condition = b.node(b.pick(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]), left.name, right.name)
    if b.integer(0, 1):
        condition = b.node("Not", condition)
    summed = helper.make_node("CumSum", [source, b.ints(0)], [f"{condition}_summed"])
    kept = helper.make_node("Identity", [source], [f"{condition}_kept"])
    b.offer(b.node("If", condition, then_branch=_branch(kept), else_branch=_branch(summed)), same, source)


def _branch(node: onnx.NodeProto) -> onnx.GraphProto:
    output = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
    return helper.make_graph([node], node.output[0], [], [output])


def _expression(b: Builder, depth: int) -> Number | None:
    """A random expression; None for one that divides by zero, or rounds down to 0, which the proof does not cover."""
    if depth == 0 or b.integer(0, 3) == 0:
        return _length(b) if b.integer(0, 2) else _literal(b)
    left, right = (_expression(b, depth - 1) for _ in range(2))
    if left is None or right is None:
        return None
    return _half(b, left) if b.integer(0, 3) == 0 else _combined(b, left, right)


def _combined(b: Builder, left: Number, right: Number) -> Number | None:
    op = b.pick(list(_ARITHMETIC))
    pairs = list(zip(left.values, right.values, strict=True))
    if op in ("Div", "Mod") and any(x < 0 or y <= 0 for x, y in pairs):
        return None
    values = tuple(_ARITHMETIC[op](x, y) for x, y in pairs)
    if op == "Div" and set(values) == {0}:
        return None
    return Number(b.node(op, left.name, right.name), values)


def _half(b: Builder, number: Number) -> Number | None:
    """In floats, rounded in one of three ways."""
    op = b.pick(list(_ROUNDED))
    values = tuple(_ROUNDED[op](value / 2) for value in number.values)
    half = b.node("Mul", b.cast(number.name), b.floats(0.5))
    rounded = half if op == "Cast" else b.node(op, half)
    return None if set(values) == {0} else Number(b.cast(rounded, TensorProto.INT64), values)


def _literal(b: Builder) -> Number:
    number = b.integer(0, 5)
    return Number(b.ints(number), (number,) * len(_SIZES))


def _length(b: Builder) -> Number:
    """The length of an axis of the image, which is known for a batch of one as well."""
    axis = b.integer(0, len(b.frame))
    name = b.node("Gather", b.node("Shape", "image"), b.ints(axis))
    return Number(name, _SIZES if axis == 0 else (b.frame[axis - 1],) * len(_SIZES))
