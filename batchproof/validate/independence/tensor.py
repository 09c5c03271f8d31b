"""An abstract tensor: symbolic shape, dependence on the frames, and for small tensors the symbolic values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from batchproof.validate.independence.domain import Batched, Free, Layout, frozen, unknown
from batchproof.validate.independence.polynomial import ONE, Poly

Dims = tuple[Poly, ...]
# Arithmetic on shapes has a few elements; anything larger is a weight.
LARGEST_VALUE = 1024


@dataclass(frozen=True)
class Value:
    """The content of a small free tensor, entry by entry; `integral` for integer (and boolean) element types."""

    entries: NDArray[np.object_]
    integral: bool

    @property
    def batch(self) -> bool:
        """Whether any entry may change with the size of the batch."""
        return any(entry.batch for entry in self.entries.flat)

    def polys(self) -> list[Poly]:
        """Return the entries in row-major order."""
        return list(self.entries.flat)


@dataclass(frozen=True)
class Tensor:
    """`shape` is None when even the rank is unknown; only free and lost tensors may have no shape."""

    layout: Layout
    shape: Dims | None
    value: Value | None = None

    @property
    def batched(self) -> bool:
        """Whether frames' content reaches it, one frame per element."""
        return isinstance(self.layout, Batched)

    @property
    def steady(self) -> bool:
        """Whether it is a constant, or one repeated for each frame."""
        return isinstance(self.layout, Free) and self.layout.steady

    @property
    def constant(self) -> bool:
        """Whether neither its values nor its shape depend on the batch."""
        return self.steady and self.shape is not None and not any(dim.batch for dim in self.shape)

    @property
    def dims(self) -> Dims:
        """The shape, where a rule cannot do without."""
        if self.shape is None:
            raise unknown("the rank of one of its inputs is not known")
        return self.shape


def free(shape: Dims | None, *, steady: bool, value: Value | None = None) -> Tensor:
    """Make a free tensor; one whose values are known, and few, decides by them whether it is steady."""
    if value is not None and value.entries.size > LARGEST_VALUE:
        value = None
    if value is not None:
        steady = not value.batch and not any(dim.batch for dim in shape or ())
    return Tensor(Free(steady), shape, value)


def valued(entries: NDArray[np.object_], *, integral: bool) -> Tensor:
    """Make a free tensor of known values."""
    shape = tuple(Poly.of(length) for length in entries.shape)
    return free(shape, steady=True, value=Value(entries, integral))


@dataclass(frozen=True)
class Place:
    """Where the batch is among the axes: axis `axis` has the length outer * N * inner and counts in that order."""

    axis: int
    outer: Poly = ONE
    inner: Poly = ONE

    @property
    def own(self) -> bool:
        """Whether the batch has this axis for itself."""
        return self.outer == ONE and self.inner == ONE

    def at(self, axis: int) -> Place:
        """The same blocks on another axis."""
        return Place(axis, self.outer, self.inner)


def product(dims: Sequence[Poly]) -> Poly:
    """Multiply lengths."""
    return prod(dims, start=ONE)


def find_place(tensor: Tensor, batch: Poly) -> Place | None:
    """Project the flat layout [A, N, S] of a batched tensor onto its axes; None when N spans or cuts through axes.

    Axis i with `before` elements in front and `after` behind it holds the batch as [a, N, s] when A = before * a and
    its length is a * N * s, or when S = s * after and its length is a * N * s. Either is enough: as the product of all
    lengths is A * N * S, one implies the other. At most one axis has a length divisible by N.
    """
    layout = tensor.layout
    if not isinstance(layout, Batched):
        return None
    dims = tensor.dims
    for axis, dim in enumerate(dims):
        block = dim.over(batch)
        if block is None or block.batch:
            continue
        outer = layout.outer.over(product(dims[:axis]))
        inner = block.over(outer) if outer is not None else None
        if outer is not None and inner is not None:
            return Place(axis, outer, inner)
        inner = layout.inner.over(product(dims[axis + 1 :]))
        outer = block.over(inner) if inner is not None else None
        if inner is not None and outer is not None:
            return Place(axis, outer, inner)
    return None


def placed(dims: Dims, place: Place, batch: Poly) -> Tensor:
    """Make a batched tensor of shape `dims` with the batch at `place`."""
    if dims[place.axis] != place.outer * batch * place.inner:
        raise frozen(f"its axis {place.axis} has the length {dims[place.axis]}, which does not follow the batch")
    outer, inner = product(dims[: place.axis]) * place.outer, place.inner * product(dims[place.axis + 1 :])
    if outer.batch or inner.batch:
        raise unknown("the size of one frame's share of its result may depend on the size of the batch")
    return Tensor(Batched(outer, inner), dims)
