"""Operators that treat every element alike: safe on any layout, and blind to one that was lost before."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto

from tests.validate.independence.rule_cases import Case, misfiles, mixes
from tests.validate.independence.small_graphs import node

_FLOAT, _BOOL, _INTEGER = int(TensorProto.FLOAT), int(TensorProto.BOOL), int(TensorProto.UINT8)
# Its name, the type that it works on, and attributes that it requires.
_Operator = tuple[str, int, dict[str, Any]]
_NEWEST = {"Gelu": 20, "Swish": 24}
_WITHOUT_KERNEL = {"Swish"}

_UNARY = [
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Cos", "Cosh", "Elu", "Erf", "Exp",
    "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log", "Mish", "Neg",
    "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt",
    "Swish", "Tan", "Tanh", "ThresholdedRelu",
]  # fmt: skip
_BINARY = [
    "Add", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min", "Mul", "Pow",
    "Sub", "Sum",
]  # fmt: skip
_LOGICAL = ["And", "Or", "Xor"]
_BITWISE = ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]


def _cast(source: str, target: str, to: int) -> onnx.NodeProto:
    return node("Cast", source, target, to=to)


def _unary(op: str, to: int, *, flat: bool, **attributes: Any) -> Case:
    """On the image, or on all its rows behind one another."""
    source = [node("Reshape", "image t", "rows")] if flat else [node("Identity", "image", "rows")]
    nodes = [*source, _cast("rows", "x", to), node(op, "x", "y", **attributes), _cast("y", "out", _FLOAT)]
    settings: dict[str, Any] = {"opset": _NEWEST.get(op, 18), "runs": op not in _WITHOUT_KERNEL}
    return misfiles(nodes, {"t": [-1, 8]}, **settings) if flat else Case(nodes, **settings)


def _binary(op: str, to: int, *, mixed: bool, **attributes: Any) -> Case:
    """A frame with itself, or every frame with every other."""
    second = node("Unsqueeze", "image one", "z") if mixed else node("Unsqueeze", "image zero", "z")
    nodes = [
        node("Unsqueeze", "image zero", "a"), second, _cast("a", "x", to), _cast("z", "b", to),
        node(op, "x b", "y", **attributes), _cast("y", "c", _FLOAT),
    ]  # fmt: skip
    constants = {"zero": [0], "one": [1]}
    if mixed:
        return mixes(nodes, constants)
    return Case([*nodes, node("Squeeze", "c zero")], constants)


def _all() -> dict[str, Case]:
    unary: list[_Operator] = [*((op, _FLOAT, {}) for op in _UNARY), ("Not", _BOOL, {}), ("BitwiseNot", _INTEGER, {})]
    binary: list[_Operator] = [
        *((op, _FLOAT, {}) for op in _BINARY),
        *((op, _BOOL, {}) for op in _LOGICAL),
        *((op, _INTEGER, {}) for op in _BITWISE),
        ("BitShift", _INTEGER, {"direction": "LEFT"}),
        ("Mod", _FLOAT, {"fmod": 1}),
    ]
    cases = {f"{op} of rows": _unary(op, to, flat=True) for op, to, _ in unary}
    cases |= {f"{op}": _unary(op, to, flat=False) for op, to, _ in unary}
    cases |= {f"{op} of frames": _binary(op, to, mixed=True, **extra) for op, to, extra in binary}
    return cases | {f"{op} of itself": _binary(op, to, mixed=False, **extra) for op, to, extra in binary}


ELEMENTWISE = _all() | {
    "CastLike": Case([node("CastLike", "image c")], {"c": [1.0]}),
    "CastLike of rows": misfiles([node("Reshape", "image t", "x"), node("CastLike", "x image")], {"t": [-1, 8]}),
}
