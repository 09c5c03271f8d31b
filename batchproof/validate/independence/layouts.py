"""What the proof knows of every tensor, for those who repair a graph: where the frames are, and where they got lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import onnx

from batchproof.validate.independence.domain import Batched, Lost
from batchproof.validate.independence.polynomial import Poly
from batchproof.validate.independence.reading import UnreadableError, interpret
from batchproof.validate.independence.tensor import Dims, Tensor, find_place


@dataclass(frozen=True)
class BatchLayout:
    """Where the frames of a batch are in one tensor that holds them apart.

    Viewed flat, in row-major order, the tensor is `[outer, N, inner]`. `axis` is the axis that the batch has for
    itself, None where it shares one. Lengths that follow N or the size of the image are None. `shape` is for people.
    """

    outer: int | None
    inner: int | None
    axis: int | None
    dims: tuple[int | None, ...]
    shape: str

    @property
    def frame(self) -> int | None:
        """The number of elements that one frame has."""
        return None if self.outer is None or self.inner is None else self.outer * self.inner


@dataclass(frozen=True)
class NoBatch:
    """Why a tensor does not hold the frames of a batch apart."""

    reason: str


Layouts = Mapping[str, BatchLayout | NoBatch]


def layouts(model: onnx.ModelProto) -> Layouts:
    """Say for every tensor of the main graph of `model` how it holds the batch; empty for a graph that cannot be read.

    The batch is that of `prove`: the first axis of the image, whatever is declared. Tensors inside local functions have
    the names that inlining gives them.
    """
    try:
        trace = interpret(model)
    except UnreadableError:
        return {}
    return {name: _layout(tensor, trace.symbols.batch) for name, tensor in trace.scope.items()}


def _layout(tensor: Tensor, batch: Poly) -> BatchLayout | NoBatch:
    layout = tensor.layout
    if isinstance(layout, Lost):
        cause = layout.cause
        return NoBatch(f"the batch is lost before it, at {cause.op} '{cause.node}': {cause.reason}")
    if not isinstance(layout, Batched):
        return NoBatch("no frame's content reaches it")
    place = find_place(tensor, batch)
    axis = place.axis if place is not None and place.own else None
    dims = tuple(dim.whole for dim in tensor.dims)
    return BatchLayout(layout.outer.whole, layout.inner.whole, axis, dims, _shown(tensor.dims))


def _shown(dims: Dims) -> str:
    """Render a shape for people, who know N, but not the lengths that the proof had to name itself."""
    named = [{atom.name for monomial, _ in dim.terms for atom in monomial} for dim in dims]
    return f"[{', '.join(str(dim) if names <= {'N'} else '?' for dim, names in zip(dims, named, strict=True))}]"
