"""Walk two graphs from their outputs in step, and carry the weights of one over to the other's keys."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import cast

import numpy as np

from batchproof.export.recovery.layers import LINEAR, Layer, LayerGraph, Operand, Weights

Shape = tuple[int, ...]

_COMMUTATIVE = ("Add", "Mul")
_NORM = "BatchNormalization"


class DifferenceError(Exception):
    """The first place, seen from the outputs, where the two graphs are not alike."""


class Pairing:
    """Pairs the layers of `theirs`, an ONNX file, with those of `ours`, whose operands are keys with `shapes`.

    Where `theirs` has folded a BatchNorm into the layer before, ours becomes the identity with the fold's bias. Its
    variance is 1 - eps: in single precision that plus eps is 1 exactly, so that no weight is rounded again.
    """

    def __init__(self, ours: LayerGraph, theirs: LayerGraph, shapes: dict[str, Shape]) -> None:
        self.weights: dict[str, Weights] = {}
        self._ours, self._theirs, self._shapes = ours, theirs, shapes

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
        our, their = self._ours.layer(our_value), self._theirs.layer(their_value)
        if difference := self._difference(our, their):
            raise DifferenceError(difference)
        if our is None or their is None:  # both are the image, else they differed
            return []
        if (before := self._folded(our, their)) is not None:
            self._unfold(our, before, their)
            our = before
        self._adopt_all(our, their)
        return list(zip(our.inputs, self._in_our_order(our, their), strict=True))

    def _folded(self, our: Layer, their: Layer) -> Layer | None:
        """Return our layer that `our`, a BatchNorm, follows, where they have folded the two into `their`."""
        if our.kind != _NORM or their.kind not in LINEAR:
            return None
        before = self._ours.layer(our.inputs[0])
        return before if before is not None and before.kind in LINEAR else None

    def _difference(self, our: Layer | None, their: Layer | None) -> str | None:
        """Say in what two layers differ; None when they are alike. Nothing is adopted."""
        if our is None and their is None:
            return None
        if our is None or their is None:
            found = "the image" if their is None else f"its {their.node}"
            return f"{found} stands where {'the image' if our is None else self._describe(our)} is expected"
        before = self._folded(our, their)
        our = before or our
        if our.kind != their.kind:
            return f"its {their.node} stands where {self._describe(our)} is expected"
        if our.settings != their.settings:
            expected = f"{self._describe(our)} has {_differing(our, their)}"
            return f"its {their.node} has {_differing(their, our)} where {expected}"
        return self._different_weights(our, their, takes_bias=before is not None)

    def _different_weights(self, our: Layer, their: Layer, *, takes_bias: bool) -> str | None:
        for mine, foreign in zip(our.operands, their.operands, strict=False):
            expected, found = self._shape(mine), self._their_array(mine, foreign).shape
            if not _same_shape(expected, found):
                return f"its {their.node} has weights {list(found)} where {self._describe(our)} has {list(expected)}"
        surplus = len(their.operands) - len(our.operands)
        has_place = surplus == 0 or (our.kind in LINEAR and (surplus < 0 or takes_bias))
        if len(our.inputs) != len(their.inputs) or not has_place:
            return f"its {their.node} has other inputs than {self._describe(our)}"
        return None

    def _in_our_order(self, our: Layer, their: Layer) -> tuple[str, ...]:
        """Swap the terms of a sum or product where only that makes them alike."""
        inputs = their.inputs
        if our.kind not in _COMMUTATIVE or len(inputs) != 2 or self._alike(our.inputs, inputs):
            return inputs
        return inputs[::-1] if self._alike(our.inputs, inputs[::-1]) else inputs

    def _alike(self, our_values: tuple[str, ...], their_values: tuple[str, ...]) -> bool:
        pairs = zip(our_values, their_values, strict=True)
        return all(self._difference(self._ours.layer(a), self._theirs.layer(b)) is None for a, b in pairs)

    def _unfold(self, norm: Layer, before: Layer, their: Layer) -> None:
        """Make our BatchNorm the identity, plus the fold's bias where our layer `before` it has none to take it."""
        scale, bias, mean, variance = norm.operands
        channels = self._shape(mean)
        zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        self._adopt(scale, ones, their)
        self._adopt(mean, zeros, their)
        self._adopt(variance, ones - np.float32(cast("float", norm.settings["epsilon"])), their)
        self._adopt(bias, zeros if len(before.operands) > 1 else self._their_bias(their, zeros), their)

    def _their_bias(self, their: Layer, zeros: Weights) -> Weights:
        return self._theirs.constants[their.operands[1].source] if len(their.operands) > 1 else zeros

    def _adopt_all(self, our: Layer, their: Layer) -> None:
        for mine, foreign in zip(our.operands, their.operands, strict=False):
            self._adopt(mine, self._their_array(mine, foreign), their)
        if len(our.operands) > len(their.operands):  # our convolution has a bias, theirs has none
            self._adopt(our.operands[1], np.zeros(self._shape(our.operands[1]), np.float32), their)

    def _adopt(self, mine: Operand, array: Weights, their: Layer) -> None:
        """Keep `array` under our key; where ours is a constant of the network itself, or known, they must be equal."""
        known = self._ours.constants.get(mine.source, self.weights.get(mine.source))
        if known is not None and not np.array_equal(np.ravel(known), np.ravel(array)):
            raise DifferenceError(f"its {their.node} has other weights than a layer that shares {mine.source} with it")
        if array.size != prod(self._shape(mine)):
            raise DifferenceError(
                f"its {their.node} has {array.size} numbers for {mine.source} with {prod(self._shape(mine))}"
            )
        if mine.source in self._shapes:
            self.weights[mine.source] = np.reshape(array, self._shape(mine))

    def _their_array(self, mine: Operand, foreign: Operand) -> Weights:
        array = self._theirs.constants[foreign.source]
        return array.T if mine.transposed != foreign.transposed else array

    def _shape(self, mine: Operand) -> Shape:
        constant = self._ours.constants.get(mine.source)
        return self._shapes[mine.source] if constant is None else constant.shape

    def _describe(self, layer: Layer) -> str:
        key = next((each.source for each in layer.operands if each.source in self._shapes), "")
        return f"{layer.kind} {key.rpartition('.')[0]}".strip()


def _differing(layer: Layer, other: Layer) -> str:
    names = [name for name, value in layer.settings.items() if other.settings.get(name) != value]
    return ", ".join(f"{name} {layer.settings[name]}" for name in names) or "nothing of the kind"


def _same_shape(expected: Shape, found: Shape) -> bool:
    """A slope [C, 1, 1] is a slope [C], and a scale [1] is a scale []."""
    if len(expected) == len(found):
        return expected == found
    return [size for size in expected if size != 1] == [size for size in found if size != 1]
