"""Slice: what it takes of an axis, and what that means when the axis holds the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchproof.validate.independence.call import Call, changed, from_front, show
from batchproof.validate.independence.domain import mixed, pinned, unknown
from batchproof.validate.independence.polynomial import ONE, ZERO, Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Dims, Place, Tensor, Value, free, placed

# Exporters write INT32_MAX or INT64_MAX for "to the end"; no axis is that long.
_END = 2**31 - 1


@dataclass(frozen=True)
class Cut:
    """A slice of one axis, with non-negative bounds where those can be told."""

    axis: int
    start: Poly
    end: Poly
    step: int

    def whole(self, dim: Poly) -> bool:
        """Whether it takes all of an axis of length `dim`, in order."""
        return self.step == 1 and self.start == ZERO and self.end == dim


@rule("Slice")
def slice_(call: Call) -> Result:
    """Cutting other axes does nothing to the batch; of its own axis, only whole blocks of N may be taken."""
    data = call.operand(0)
    cuts = _cuts(call, data.dims)
    place, dims = call.place(data), data.dims
    for cut in cuts:
        if place is not None and cut.axis == place.axis:
            place = _cut_batch(call, data, cut, place)
            dims = changed(dims, cut.axis, place.outer * call.symbols.batch * place.inner)
        else:
            dims = changed(dims, cut.axis, _length(call, dims[cut.axis], cut))
    if place is not None:
        return placed(dims, place, call.symbols.batch)
    value = _sliced(data, cuts)
    return value or free(dims, steady=data.steady)


def _cuts(call: Call, dims: Dims) -> list[Cut]:
    if call.opset < 10:
        starts, ends = call.integers("starts") or [], call.integers("ends") or []
        bounds = [(Poly.of(start), Poly.of(end)) for start, end in zip(starts, ends, strict=True)]
        axes, steps = call.integers("axes"), None
    else:
        bounds = list(zip(call.polys(1), call.polys(2), strict=True))
        axes = call.wholes(3) if call.has(3) else None
        steps = call.wholes(4) if call.has(4) else None
    axes = list(range(len(bounds))) if axes is None else [from_front(axis, len(dims)) for axis in axes]
    steps = steps or [1] * len(bounds)
    return [
        Cut(axis, _bound(start, dims[axis], step), _bound(end, dims[axis], step), step)
        for axis, (start, end), step in zip(axes, bounds, steps, strict=True)
    ]


def _bound(bound: Poly, dim: Poly, step: int) -> Poly:
    """Count a bound from the front and clamp it where that can be told; for a negative step it stays as it is."""
    number = bound.whole
    if number is None or step < 1:
        return bound
    if number >= _END:
        return dim
    if number <= -_END:
        return ZERO
    if number < 0:
        bound = dim + bound
    length, resolved = dim.whole, bound.whole
    return bound if length is None or resolved is None else Poly.of(min(max(resolved, 0), length))


def _cut_batch(call: Call, data: Tensor, cut: Cut, place: Place) -> Place:
    """Cut the axis [a, N, s] at multiples of N * s, or not at all."""
    block = call.symbols.batch * place.inner
    start, end = cut.start.over(block), cut.end.over(block)
    if cut.step < 0:
        raise mixed(f"it reverses axis {cut.axis} of {show(data.dims)}, so that frames change places")
    if cut.step != 1 or start is None or end is None or not _ordered(start, end, place.outer):
        raise pinned(f"it takes particular frames from axis {cut.axis} of {show(data.dims)}, which holds the batch")
    return Place(place.axis, end - start, place.inner)


def _ordered(start: Poly, end: Poly, outer: Poly) -> bool:
    """Whether 0 <= start < end <= outer in numbers; without numbers, only for the whole axis."""
    if start == ZERO and end == outer:
        return True
    first, last, most = start.whole, end.whole, outer.whole
    return first is not None and last is not None and most is not None and 0 <= first < last <= most


def _length(call: Call, dim: Poly, cut: Cut) -> Poly:
    """The length of a cut axis. Bounds that follow N would make other axes depend on the number of frames."""
    if cut.start.batch or cut.end.batch:
        if cut.whole(dim):
            return dim
        raise unknown("its bounds depend on the size of the batch")
    length, start, end = dim.whole, cut.start.whole, cut.end.whole
    if length is not None and start is not None and end is not None:
        return Poly.of(len(range(length)[slice(start, end, cut.step)]))
    if cut.step == 1 and (cut.whole(dim) or (cut.start == ZERO and cut.end == ONE)):
        return cut.end - cut.start
    # Clamped or counted from the end, by values that only the runtime knows.
    return call.symbols.fresh("slice", dim)


def _sliced(data: Tensor, cuts: Sequence[Cut]) -> Tensor | None:
    if data.value is None or not data.value.entries.ndim:
        return None
    index = [slice(None)] * data.value.entries.ndim
    for cut in cuts:
        start, end = cut.start.whole, cut.end.whole
        if start is None or end is None:
            return None
        index[cut.axis] = slice(start, end, cut.step)
    entries = data.value.entries[tuple(index)]
    shape = tuple(Poly.of(length) for length in entries.shape)
    return free(shape, steady=True, value=Value(entries, data.value.integral))
