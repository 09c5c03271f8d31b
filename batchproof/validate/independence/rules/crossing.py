"""Lines of elements that provably run through several frames, though an earlier Reshape left the batch no axis."""

from __future__ import annotations

from collections.abc import Sequence

from batchproof.validate.independence.call import Call, show
from batchproof.validate.independence.domain import Batched, mixed
from batchproof.validate.independence.polynomial import ONE, Poly
from batchproof.validate.independence.tensor import Place, Tensor, find_place, product


def apart(call: Call, tensor: Tensor, axes: Sequence[int], what: str) -> Place | None:
    """As `Call.keeps_apart`; also refuses a cut batch where the operator `what`s across the cuts."""
    if tensor.batched and find_place(tensor, call.symbols.batch) is None:
        for axis in axes:
            if _crosses(tensor, axis, call.symbols.batch):
                raise mixed(f"it {what} along axis {axis} of {show(tensor.dims)}, which runs through several frames")
    return call.keeps_apart(tensor, axes, what)


def _crosses(tensor: Tensor, axis: int, batch: Poly) -> bool:
    """Frames lie one behind the other, S elements each; a line along `axis` reaches over more than S for large N.

    From its first to its last element it is (length - 1) * stride, at least half of length * stride = k * N; the frames
    at its two ends then differ as soon as k * N / 2 exceeds S, which depends on neither.
    """
    layout, dims = tensor.layout, tensor.dims
    if not isinstance(layout, Batched) or layout.outer != ONE or dims[axis] == ONE:
        return False
    reach = product(dims[axis:]).over(batch)
    longer = dims[axis].over(batch) is not None or (dims[axis].whole or 0) > 1
    return longer and reach is not None and not reach.batch
