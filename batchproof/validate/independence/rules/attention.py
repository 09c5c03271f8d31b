"""Attention as one node (opset 23): queries, keys and values of one index of axis 0 meet, and nobody else's."""

from __future__ import annotations

from batchproof.validate.independence.broadcasting import common_place, repeats
from batchproof.validate.independence.call import Call
from batchproof.validate.independence.domain import unknown
from batchproof.validate.independence.polynomial import Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Dims, Place, Tensor

_MASK, _PAST = 3, (4, 5, 6)
# Queries times keys: batch, heads, queries, keys. A mask broadcasts to that.
_SCORES_RANK = 4


@rule("Attention")
def attention(call: Call) -> Result:
    """[batch, heads, length, head] or [batch, length, heads * head]; the mask may be one for all or one for each."""
    if any(call.has(index) for index in _PAST):
        raise unknown("its past keys and values, or its lengths without padding, are not covered")
    query, key, value = (call.operand(index) for index in range(3))
    places = [call.keeps_apart(tensor, range(1, len(tensor.dims)), "attends") for tensor in (query, key, value)]
    place = common_place([*places, _mask_place(call)])
    if place is not None:
        _same_batch(call, (query, key, value), place)
    return call.settle(_dims(call, query.dims, value.dims), place)


def _mask_place(call: Call) -> Place | None:
    if not call.has(_MASK):
        return None
    mask = call.operand(_MASK)
    rank = len(mask.dims)
    place = call.keeps_apart(mask, range(max(rank - _SCORES_RANK + 1, 0), rank), "masks")
    return place and place.at(0)


def _same_batch(call: Call, tensors: tuple[Tensor, ...], place: Place) -> None:
    length = place.outer * call.symbols.batch * place.inner
    for tensor in tensors:
        repeats(tensor, 0, length, stretch=False)
    if call.has(_MASK):
        mask = call.operand(_MASK)
        repeats(mask, len(mask.dims) - _SCORES_RANK, length)


def _dims(call: Call, query: Dims, value: Dims) -> Dims:
    if len(query) == _SCORES_RANK:
        return (*query[:3], value[3])
    heads, value_heads = (Poly.of(call.integer(name, 1)) for name in ("q_num_heads", "kv_num_heads"))
    return (*query[:2], call.symbols.quotient(value[2] * heads, value_heads))
