"""Recurrent layers, with the batch on any axis."""

from __future__ import annotations

import numpy as np

from tests.validate.independence.random_graphs.builder import Array, Builder, step

_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
_HIDDEN = 3


@step(*_GATES)
def recurrent(b: Builder) -> None:
    source = b.tensor()
    if b.rank(source) != 3 or b.follows(source, 2):
        return
    op, both = b.pick(list(_GATES)), b.integer(0, 1)
    rows, directions = _GATES[op] * _HIDDEN, 1 + both
    weights = [b.weight((directions, rows, length)) for length in (b.shape(source)[2], _HIDDEN)]
    direction = "bidirectional" if both else b.pick(["forward", "reverse"])
    results = b.outputs(2, op, source, *weights, hidden_size=_HIDDEN, direction=direction)

    def every(x: Array) -> Array:
        return np.zeros((x.shape[0], directions, x.shape[1], _HIDDEN))

    if b.integer(0, 1):
        b.offer(results[0], every, source)
    else:
        b.offer(results[1], lambda x: every(x)[0], source)
