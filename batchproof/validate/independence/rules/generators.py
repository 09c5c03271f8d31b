"""Tensors made of nothing but shapes and constants."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from batchproof.validate.independence.call import Call
from batchproof.validate.independence.constants import constant_tensor, node_constant
from batchproof.validate.independence.domain import unknown
from batchproof.validate.independence.polynomial import ONE, ZERO, Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.symbolic_values import entries_of
from batchproof.validate.independence.tensor import LARGEST_VALUE, Tensor, Value, free, product, valued


@rule("Constant")
def constant(call: Call) -> Result:
    """A constant of the file."""
    return node_constant(call.node)


@rule("Shape")
def shape(call: Call) -> Result:
    """No content: shapes that content decides are not in the domain."""
    dims = call.operand(0).dims
    for dim in dims:
        call.symbols.declare_positive(dim)
    return _vector(dims[slice(call.attributes.get("start"), call.attributes.get("end"))])


@rule("Size")
def size(call: Call) -> Result:
    """As Shape."""
    return valued(np.array(product(call.operand(0).dims), dtype=object), integral=True)


def _vector(polys: Sequence[Poly]) -> Tensor:
    entries = np.empty(len(polys), dtype=object)
    entries[:] = polys
    return valued(entries, integral=True)


@rule("ConstantOfShape")
def constant_of_shape(call: Call) -> Result:
    """One constant, repeated."""
    dims = tuple(call.polys(0))
    if any(dim != ZERO and not call.symbols.positive(dim) for dim in dims):
        raise unknown("its shape may be empty")
    fill = constant_tensor(call.attributes["value"]).value if "value" in call.attributes else _zero()
    lengths = [dim.whole for dim in dims]
    if fill is None or None in lengths or prod(length or 0 for length in lengths) > LARGEST_VALUE:
        return free(dims, steady=True)
    entries = np.full([length for length in lengths if length is not None], fill.polys()[0], dtype=object)
    return free(dims, steady=True, value=Value(entries, fill.integral))


def _zero() -> Value | None:
    return entries_of(np.zeros(1, dtype=np.float32))


@rule("Range")
def range_(call: Call) -> Result:
    """Counts; along an axis whose length follows N, it differs from slot to slot."""
    operands = [call.operand(index) for index in range(3)]
    if any(operand.value is not None and not operand.value.integral for operand in operands):
        raise unknown("it counts in fractions, and how often depends on their rounding")
    start, limit, delta = (call.polys(index)[0] for index in range(3))
    wholes = [poly.whole for poly in (start, limit, delta)]
    known = [whole for whole in wholes if whole is not None]
    if len(known) == len(wholes) and len(range(*known)) <= LARGEST_VALUE:
        return _vector([Poly.of(number) for number in range(*known)])
    if start != ZERO or delta != ONE or not call.symbols.positive(limit):
        raise unknown("it does not count from 0 by 1 to a length, so that it may be empty for some batches")
    return free((limit,), steady=not limit.batch)


@rule("EyeLike")
def eye_like(call: Call) -> Result:
    """Ones on the diagonal; along an axis of length N they differ from slot to slot."""
    dims = call.operand(0).dims
    return free(dims, steady=not any(dim.batch for dim in dims))


@rule("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
def random(call: Call) -> Result:
    """Nothing can be said about one run from another."""
    raise unknown("its result is random, so no two runs can be compared")
