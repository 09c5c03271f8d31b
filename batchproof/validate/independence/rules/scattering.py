"""GatherND and ScatterND: tuples of numbers address the leading axes."""

from __future__ import annotations

from collections.abc import Sequence

from batchproof.validate.independence.broadcasting import common_place, repeats
from batchproof.validate.independence.call import Call, show
from batchproof.validate.independence.domain import frozen, mixed, pinned, unknown
from batchproof.validate.independence.polynomial import Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.rules.indexing import index_depth
from batchproof.validate.independence.tensor import Place, Tensor


@rule("GatherND")
def gather_nd(call: Call) -> Result:
    """The batch may be among the axes that data and indices share, or among those behind the addressed ones."""
    data, indices = call.operand(0), call.operand(1)
    shared, depth = call.integer("batch_dims", 0), index_depth(indices)
    dims = (*indices.dims[:-1], *data.dims[shared + depth :])
    source, numbers = call.place(data), call.place(indices)
    if numbers is not None and numbers.axis == len(indices.dims) - 1:
        raise mixed("its index tuples are made of numbers from several frames")
    if source is None or (numbers is not None and numbers.axis < shared):
        return call.settle(dims, _shared(call, data, indices, numbers, shared))
    if source.axis < shared:
        return call.settle(dims, _shared(call, data, indices, source, shared))
    if source.axis < shared + depth:
        raise pinned(f"it picks particular frames from axis {source.axis} of {show(data.dims)}, which holds the batch")
    if numbers is not None:
        raise mixed("it picks from all frames by numbers that come from the frames")
    call.parameters(1)
    return call.settle(dims, source.at(source.axis - shared - depth + len(indices.dims) - 1))


def _shared(call: Call, data: Tensor, indices: Tensor, place: Place | None, shared: int) -> Place | None:
    """Batch on one of the shared axes of both; or, on another axis of the indices, into a constant table."""
    if place is None:
        return None
    common_place([call.place(data), call.place(indices)])
    if place.axis < shared:
        length = place.outer * call.symbols.batch * place.inner
        for tensor in (data, indices):
            repeats(tensor, place.axis, length, stretch=False)
    else:
        call.parameters(0)
    return place


@rule("ScatterND")
def scatter_nd(call: Call) -> Result:
    """Constant tuples address other axes than the batch's; updates hold the batch where the slices do."""
    data, indices, updates = call.operand(0), call.operand(1), call.operand(2)
    call.parameters(1)
    depth, lead = index_depth(indices), len(indices.dims) - 1
    written = call.place(updates)
    as_data = None if written is None else _behind(written, lead, depth, updates)
    place = common_place([call.place(data), as_data])
    if place is not None and place.axis < depth:
        raise unknown(f"it writes by number along axis {place.axis} of {show(data.dims)}, which holds the batch")
    if place is not None:
        length: Poly = place.outer * call.symbols.batch * place.inner
        _aligned([(data, place.axis), (updates, place.axis - depth + lead)], length)
    return call.settle(data.dims, place)


def _behind(written: Place, lead: int, depth: int, updates: Tensor) -> Place:
    if written.axis < lead:
        raise frozen(
            f"it writes axis {written.axis} of {show(updates.dims)}, which holds the batch, to numbered places"
        )
    return written.at(written.axis - lead + depth)


def _aligned(operands: Sequence[tuple[Tensor, int]], length: Poly) -> None:
    for tensor, axis in operands:
        repeats(tensor, axis, length, stretch=False)
