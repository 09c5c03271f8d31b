"""Operators that only rename, reorder or repeat: Reshape and its kin, Transpose, Expand, Tile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batchproof.validate.independence.broadcasting import broadcast
from batchproof.validate.independence.call import Call, from_front, show
from batchproof.validate.independence.domain import frozen, unknown
from batchproof.validate.independence.polynomial import ONE, ZERO, Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Dims, Place, Tensor, Value, free, placed, product

_REST = -ONE


@rule("Reshape")
def reshape(call: Call) -> Result:
    """Row-major order stays, and with it the flat layout."""
    data = call.operand(0)
    dims = _target(call, data.dims, call.polys(1))
    _fits_every_batch(data, dims)
    return _renamed(data, dims, steady=data.constant)


def _target(call: Call, source: Dims, target: Sequence[Poly]) -> Dims:
    """Resolve 0 and -1. An entry that might be one of them at some size cannot be followed."""
    literal_zero = call.flag("allowzero")
    dims = list(target)
    for axis, entry in enumerate(target):
        if entry == ZERO and not literal_zero and axis < len(source):
            dims[axis] = source[axis]
        elif entry != _REST and not call.symbols.positive(entry):
            raise unknown(f"entry {axis} of its target, {entry}, may be 0 or negative")
    if _REST in target:
        hole = target.index(_REST)
        known = product([*dims[:hole], *dims[hole + 1 :]])
        dims[hole] = call.symbols.quotient(product(source), known)
    return tuple(dims)


def _fits_every_batch(data: Tensor, dims: Dims) -> None:
    if product(data.dims).batch and not any(dim.batch for dim in dims):
        raise frozen(f"its target {show(dims)} has room for one batch size only, the one for which it was exported")


@rule("Flatten")
def flatten(call: Call) -> Result:
    """As Reshape."""
    data = call.operand(0)
    axis = call.integer("axis", 1)
    axis += len(data.dims) if axis < 0 else 0
    return _renamed(data, (product(data.dims[:axis]), product(data.dims[axis:])), steady=data.constant)


@rule("Squeeze")
def squeeze(call: Call) -> Result:
    """Axes of length 1 go; row-major order stays."""
    data = call.operand(0)
    axes = call.listed("axes", 1)
    if not axes:
        if any(dim.whole is None for dim in data.dims):
            raise unknown(f"it names no axes, and drops any axis of {show(data.dims)} that is 1 when it runs")
        axes = [axis for axis, dim in enumerate(data.dims) if dim == ONE]
    dropped = {from_front(axis, len(data.dims)) for axis in axes}
    for axis in dropped:
        if data.dims[axis].batch:
            raise frozen(f"it drops axis {axis} of {show(data.dims)}, which is 1 for a batch of one only")
    dims = tuple(dim for axis, dim in enumerate(data.dims) if axis not in dropped)
    return _renamed(data, dims, steady=data.steady)


@rule("Unsqueeze")
def unsqueeze(call: Call) -> Result:
    """Axes of length 1 come; row-major order stays."""
    data, axes = call.operand(0), call.listed("axes", 1) or []
    rank = len(data.dims) + len(axes)
    new = {from_front(axis, rank) for axis in axes}
    if len(new) < len(axes):
        raise unknown(f"it names an axis twice: {axes}")
    rest = iter(data.dims)
    return _renamed(data, tuple(ONE if axis in new else next(rest) for axis in range(rank)), steady=data.steady)


def _renamed(data: Tensor, dims: Dims, *, steady: bool) -> Tensor:
    if data.batched:
        return Tensor(data.layout, dims)
    lengths = [dim.whole for dim in dims]
    if data.value is None or None in lengths or product(dims).whole != data.value.entries.size:
        return free(dims, steady=steady)
    entries = data.value.entries.reshape([length for length in lengths if length is not None])
    return free(dims, steady=steady, value=Value(entries, data.value.integral))


@rule("Transpose")
def transpose(call: Call) -> Result:
    """The axis that holds the batch moves, with its blocks."""
    data = call.operand(0)
    perm = call.integers("perm") or list(reversed(range(len(data.dims))))
    dims = tuple(data.dims[axis] for axis in perm)
    place = call.place(data)
    if place is not None:
        return placed(dims, place.at(perm.index(place.axis)), call.symbols.batch)
    value = data.value and Value(np.transpose(data.value.entries, perm), data.value.integral)
    return free(dims, steady=data.steady, value=value)


@rule("Expand")
def expand(call: Call) -> Result:
    """As an elementwise operator with a constant of the target's shape."""
    data, target = call.operand(0), tuple(call.polys(1))
    for entry in target:
        if not call.symbols.positive(entry):
            raise unknown(f"the entry {entry} of its target may be 0 or negative")
    result = broadcast(call, [data, free(target, steady=True)])
    lengths = [dim.whole for dim in result.dims]
    if data.value is None or None in lengths:
        return result
    entries = np.broadcast_to(data.value.entries, [length for length in lengths if length is not None])
    return free(result.dims, steady=result.steady, value=Value(entries, data.value.integral))


@rule("Tile")
def tile(call: Call) -> Result:
    """Repeating an axis [a, N, s] r times gives [r*a, N, s]."""
    data, repeats = call.operand(0), call.polys(1)
    if any(not call.symbols.positive(repeat) for repeat in repeats):
        raise unknown("it may repeat an axis no times")
    dims = tuple(dim * repeat for dim, repeat in zip(data.dims, repeats, strict=True))
    place = call.place(data)
    if place is not None:
        moved = Place(place.axis, place.outer * repeats[place.axis], place.inner)
        return placed(dims, moved, call.symbols.batch)
    constant_along = all(dim == ONE or not repeat.batch for dim, repeat in zip(data.dims, repeats, strict=True))
    return free(dims, steady=data.steady and constant_along)
