"""Recurrent layers: in their usual layout, axis 0 is time and axis 1 the batch."""

from __future__ import annotations

from batchproof.validate.independence.broadcasting import common_place, repeats
from batchproof.validate.independence.call import Call
from batchproof.validate.independence.domain import unknown
from batchproof.validate.independence.registry import Result, rule


@rule("GRU", "LSTM", "RNN")
def recurrent(call: Call) -> Result:
    """Sums over time and features of one index of axis 1; initial states hold the batch at axis 1 as well."""
    data = call.operand(0)
    call.parameters(1, 2, 3, 4, 7)
    if call.flag("layout") or call.has(4):
        raise unknown("its batch-first layout and sequence lengths are not covered")
    time, batch, _ = data.dims
    states = [call.operand(index) for index in (5, 6) if call.has(index)]
    place = common_place([call.keeps_apart(tensor, [0, 2], "runs") for tensor in (data, *states)])
    for tensor in (data, *states):
        if place is not None:
            repeats(tensor, 1, batch, stretch=False)
    directions, _, hidden = call.operand(2).dims
    state = call.settle((directions, batch, hidden), place)
    return call.settle((time, directions, batch, hidden), place and place.at(2)), state, state
