"""Walk two graphs from their outputs in step, and carry the weights of one over to the other's keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

import numpy as np

from batchproof.export.recovery.differences import DifferenceError, Differences, Shape
from batchproof.export.recovery.layers import Layer, LayerGraph, Operand, Weights
from batchproof.export.recovery.matching import Matcher
from batchproof.export.recovery.runs import Run
from batchproof.export.recovery.unfolding import Unfolding


class Pairing:
    """Pairs the layers of `theirs`, an ONNX file, with those of `ours`, whose operands are keys with `shapes`.

    Layers that are alike one by one keep every bit of their weights. Where only a run of layers computes the same, as
    after folding a BatchNorm, the weights are those of `Unfolding`.
    """

    def __init__(self, ours: LayerGraph, theirs: LayerGraph, shapes: Mapping[str, Shape]) -> None:
        self.weights: dict[str, Weights] = {}
        self._ours, self._theirs, self._shapes = ours, theirs, shapes
        self._differences = Differences(ours, theirs, shapes)
        self._matcher = Matcher(ours, theirs, shapes)

    def walk(self, outputs: Iterable[tuple[str, str]]) -> dict[str, Weights]:
        """Pair everything behind `outputs`, ours and theirs, and return the weights by our keys.

        Raises `DifferenceError` at the first pair of layers that differ in kind, settings or shapes, and where one
        weight of ours would have to be two of theirs.
        """
        pending, met = list(outputs), set[tuple[str, str]]()
        while pending:
            pair = pending.pop()
            if pair not in met:
                met.add(pair)
                pending += self._step(*pair)
        return self.weights

    def _step(self, our_value: str, their_value: str) -> list[tuple[str, str]]:
        match = self._matcher.match(our_value, their_value)
        for our, their in match.pairs:
            self._adopt_layer(our, their)
        if match.runs is not None:
            self._adopt_runs(*match.runs)
        return list(zip(match.ours, match.theirs, strict=True))

    def _adopt_layer(self, our: Layer, their: Layer) -> None:
        for mine, foreign in zip(our.operands, their.operands, strict=False):
            self._adopt(mine, self._differences.their_array(mine, foreign), their.node)
        if len(our.operands) > len(their.operands):  # our convolution has a bias, theirs has none
            self._adopt(our.operands[1], np.zeros(1), their.node)

    def _adopt_runs(self, ours: Run, theirs: Run) -> None:
        numbers = Unfolding(self._differences, self._theirs.constants, self.weights).numbers(ours, theirs)
        for operand, array in numbers.items():
            self._adopt(operand, array, theirs.layers[0].node if theirs.layers else "graph")

    def _adopt(self, mine: Operand, array: Weights, node: str) -> None:
        """Keep `array` under our key; where ours is a constant of the network itself, or known, they must be equal."""
        shape = self._differences.our_shape(mine)
        if array.size not in (1, prod(shape)):
            raise DifferenceError(f"its {node} has {array.size} numbers for {mine.source} with {prod(shape)}")
        with np.errstate(over="ignore"):
            whole = np.resize(array, shape).astype(np.float32)
        if not np.isfinite(whole).all():
            raise DifferenceError(f"its {node} makes numbers for {mine.source} that single precision cannot hold")
        known = self._ours.constants.get(mine.source, self.weights.get(mine.source))
        if known is not None and not np.array_equal(known, whole):
            raise DifferenceError(f"its {node} has other weights than a layer that shares {mine.source} with it")
        if mine.source in self._shapes:
            self.weights[mine.source] = whole
