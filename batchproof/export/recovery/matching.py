"""Which layers of two graphs belong together, by their kinds, settings and shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchproof.export.recovery.differences import DifferenceError, Differences, Shape
from batchproof.export.recovery.layers import Layer, LayerGraph, Operand
from batchproof.export.recovery.runs import Run, run_behind

Values = tuple[str, ...]

_COMMUTATIVE = ("Add", "Mul")
_ARITHMETIC = ("Add", "Sub", "Mul", "Div")
# How far the two terms of a sum are followed to tell them apart: longer than a residual block.
_LOOK_AHEAD = 16

_PREPROCESSED = "Recover the graph from before its preprocessing was put in, as it takes normalised images"


@dataclass(frozen=True)
class Match:
    """Layers, ours and theirs, that are alike one by one, or two runs that are as a whole; and what feeds them."""

    pairs: tuple[tuple[Layer, Layer], ...]
    runs: tuple[Run, Run] | None
    ours: Values
    theirs: Values


class Matcher:
    """Matches what makes a value of `ours` with what makes one of `theirs`; the arguments are those of `Pairing`."""

    def __init__(self, ours: LayerGraph, theirs: LayerGraph, shapes: Mapping[str, Shape]) -> None:
        self._ours, self._theirs, self._shapes = ours, theirs, shapes
        self._differences = Differences(ours, theirs, shapes)
        self._known: dict[tuple[Values, Values, int], bool] = {}

    def match(self, our_value: str, their_value: str) -> Match:
        """Match the layers behind two values, with the terms of a sum or product in our order.

        Terms that look alike are followed until they do not. Raises `DifferenceError` when the layers differ.
        """
        found = self._match(our_value, their_value)
        orders = self._orders(found)
        if len(orders) == 1:
            return found
        tries = ((order, depth) for depth in (_LOOK_AHEAD, 1) for order in orders)
        best = next((order for order, depth in tries if self._alike(found.ours, order, depth)), found.theirs)
        return Match(found.pairs, found.runs, found.ours, best)

    def _match(self, our_value: str, their_value: str) -> Match:
        ours = run_behind(self._ours, our_value, self._is_ours_by_channel)
        if not ours.layers:
            return self._single(self._ours.layer(our_value), self._theirs.layer(their_value))
        theirs = run_behind(self._theirs, their_value, self._is_theirs_by_channel)
        pairs = tuple(zip(ours.layers, theirs.layers, strict=False))
        if len(pairs) == len(ours.layers) and all(self._differences.between(*pair) is None for pair in pairs):
            return Match(pairs, None, (ours.source,), pairs[-1][1].inputs)
        self._require_one_product(ours, theirs, self._theirs.layer(their_value))
        return Match((), (ours, theirs), (ours.source,), (theirs.source,))

    def _single(self, our: Layer | None, their: Layer | None) -> Match:
        if difference := self._differences.between(our, their):
            inside = our is None and their is not None and their.kind in _ARITHMETIC and len(their.inputs) == 1
            raise DifferenceError(difference, remedy=_PREPROCESSED if inside else "")
        if our is None or their is None:  # both are the image, else they differed
            return Match((), None, (), ())
        return Match(((our, their),), None, our.inputs, their.inputs)

    def _require_one_product(self, ours: Run, theirs: Run, their_first: Layer | None) -> None:
        """Two runs can be one another's only when both end in the same linear layer, or neither in one."""
        if (ours.linear is None) != (theirs.linear is None):
            difference = self._differences.between(ours.layers[0], their_first)
            unlike = f"its {theirs.layers[0].node}" if theirs.layers else "what stands there"
            raise DifferenceError(
                difference or f"{unlike} does not follow what {self._differences.describe(ours.layers[0])} follows"
            )
        if difference := self._differences.between(ours.linear, theirs.linear, folds=True):
            raise DifferenceError(difference)

    def _alike(self, our_values: Values, their_values: Values, depth: int) -> bool:
        """Tell whether values agree in so many layers, or runs, behind each of them."""
        key = (our_values, their_values, depth)
        if key not in self._known:
            pairs = zip(our_values, their_values, strict=True)
            self._known[key] = depth == 0 or all(self._alike_behind(*pair, depth) for pair in pairs)
        return self._known[key]

    def _alike_behind(self, our_value: str, their_value: str, depth: int) -> bool:
        try:
            found = self._match(our_value, their_value)
        except DifferenceError:
            return False
        return any(self._alike(found.ours, order, depth - 1) for order in self._orders(found))

    @staticmethod
    def _orders(match: Match) -> tuple[Values, ...]:
        """Return the orders in which their values may stand."""
        if len(match.theirs) != 2 or match.pairs[0][0].kind not in _COMMUTATIVE:
            return (match.theirs,)
        return (match.theirs, match.theirs[::-1])

    def _is_ours_by_channel(self, operand: Operand) -> bool:
        return operand.source in self._shapes and _is_vector(self._shapes[operand.source])

    def _is_theirs_by_channel(self, operand: Operand) -> bool:
        return _is_vector(self._theirs.constants[operand.source].shape)


def _is_vector(shape: Shape) -> bool:
    return sum(size != 1 for size in shape) <= 1
