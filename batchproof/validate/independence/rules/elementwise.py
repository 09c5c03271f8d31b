"""Operators that treat every element alike, and the arithmetic on shapes that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import onnx

from batchproof.validate.independence.broadcasting import broadcast
from batchproof.validate.independence.call import Call, show
from batchproof.validate.independence.domain import frozen, unknown
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.symbolic_values import ARITHMETIC, NoValueError, as_float, floor
from batchproof.validate.independence.tensor import LARGEST_VALUE, Tensor, Value, free, product

_UNARY = [
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BitwiseNot",
    "Ceil",
    "Celu",
    "Cos",
    "Cosh",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "IsInf",
    "IsNaN",
    "LeakyRelu",
    "Log",
    "Mish",
    "Neg",
    "Not",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
]
_BROADCAST = [
    "Add",
    "And",
    "BitShift",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Or",
    "Pow",
    "Sub",
    "Sum",
    "Where",
    "Xor",
]
# Truth values are whole, whatever they were decided on.
_LOGICAL = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not")
# Narrower types wrap or round; values that go through one are not followed.
_INTEGERS = (onnx.TensorProto.INT32, onnx.TensorProto.INT64)
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)


@rule(*_UNARY, *_BROADCAST)
def elementwise(call: Call) -> Result:
    """One element of the result is made of one element of each operand."""
    result = broadcast(call, call.given)
    if result.batched:
        return result
    op = call.node.op_type
    return _with_values(call, result, ARITHMETIC.get(op), integral=True if op in _LOGICAL else None)


@rule("Cast", "CastLike")
def cast(call: Call) -> Result:
    """As Identity (the type of a second operand decides, never its content); fractions of known values are dropped."""
    data = call.operand(0)
    to = call.integer("to", onnx.TensorProto.UNDEFINED)
    if data.batched or data.value is None or to not in (*_INTEGERS, *_FLOATS):
        return Tensor(data.layout, data.shape)
    if to in _FLOATS:
        return _with_values(call, free(data.dims, steady=data.steady), as_float, integral=False)
    return _with_values(call, free(data.dims, steady=data.steady), floor, integral=True)


@rule("Clip")
def clip(call: Call) -> Result:
    """Its bounds are single numbers."""
    return broadcast(call, call.given)


@rule("PRelu")
def prelu(call: Call) -> Result:
    """The slope broadcasts to the data, never the other way round."""
    data, slope = call.operand(0), call.operand(1)
    if len(slope.dims) > len(data.dims):
        raise frozen(f"its slope {show(slope.dims)} does not broadcast to {show(data.dims)}")
    return broadcast(call, [data, slope])


@rule("Dropout")
def dropout(call: Call) -> Result:
    """The identity in inference; its mask is made of constants."""
    data = call.operand(0)
    if call.has(2) and call.polys(2)[0].whole != 0:
        raise unknown("its training mode may be on, which makes its result random")
    return data, Tensor(data.layout, data.shape)


def _with_values(
    call: Call, result: Tensor, compute: Callable[..., object] | None, *, integral: bool | None = None
) -> Tensor:
    values = [tensor.value for tensor in call.given if tensor.value is not None]
    size = product(result.dims).whole
    if compute is None or len(values) < len(call.given) or size is None or size > LARGEST_VALUE:
        return result
    # Of a Where, the condition comes first; the last operand has the type of the result.
    whole = values[-1].integral if integral is None else integral
    try:
        entries = _entries(call, partial(compute, call.symbols, whole), values)
    except NoValueError:
        return result
    return free(result.dims, steady=result.steady, value=Value(entries, whole))


def _entries(call: Call, compute: Callable[..., object], values: Sequence[Value]) -> np.ndarray:
    """Apply `compute` to corresponding entries; of more than three operands (Max, Sum), pairwise is not worth it."""
    ufunc = np.frompyfunc(compute, len(values), 1)
    return np.asarray(ufunc(*(value.entries for value in values)), dtype=object)
