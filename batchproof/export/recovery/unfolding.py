"""Numbers for our layers with which they compute together what a run of other layers computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from batchproof.export.recovery.differences import DifferenceError, Differences
from batchproof.export.recovery.layers import LINEAR, Layer, Operand, Weights
from batchproof.export.recovery.runs import NORM, Doubles, Run, scale_and_shift

Numbers = dict[Operand, Weights]

# Two folds of one weight differ by a rounding each.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Unfolding:
    """Gives our linear layer all that a run of theirs does; what follows it becomes the identity.

    Only a term that the linear layer has no place for goes into what follows. A norm's variance is then 1 - eps: in
    single precision that plus eps is 1 exactly, so that no weight is rounded again. `adopted` are our weights so far.
    """

    differences: Differences
    constants: Mapping[str, Weights]
    adopted: Mapping[str, Weights]

    def numbers(self, ours: Run, theirs: Run) -> Numbers:
        """Return what our operands hold; one number may stand for all channels.

        Raises `DifferenceError` when our layers cannot compute that. What has no finite result is not finite.
        """
        with np.errstate(all="ignore"):
            return self._numbers(ours, theirs)

    def _numbers(self, ours: Run, theirs: Run) -> Numbers:
        try:
            scale, shift = scale_and_shift(theirs, self.constants)
            product = self._product(ours, theirs, scale)
        except ValueError as error:
            raise DifferenceError(f"its {theirs.layers[0].node} does not fit the layer that feeds it") from error
        neutral = {operand: number for layer in ours.affine for operand, number in _neutral(layer).items()}
        if product is None:
            return neutral | self._placed(ours, scale, shift)
        factor = self._factor_of_level(ours, product)
        placed = self._placed(ours, product / factor, shift / factor)
        if factor != 1.0:
            placed = {operand: self._unless_rounded(operand, number) for operand, number in placed.items()}
            placed[ours.layers[0].operands[0]] = np.array(factor)
        return neutral | placed

    def _product(self, ours: Run, theirs: Run, scale: Doubles) -> Doubles | None:
        """Scale the outputs of their linear layer, which torch stores first."""
        if ours.linear is None or theirs.linear is None:
            return None
        mine, foreign = ours.linear.operands[0], theirs.linear.operands[0]
        array = self.differences.their_array(mine, foreign).astype(np.float64)
        outputs_last = array.ndim == 2 and not mine.transposed
        return array * (scale if outputs_last else scale.reshape(-1, *[1] * (array.ndim - 1)))

    def _placed(self, ours: Run, factors: Doubles, terms: Doubles) -> Numbers:
        """Put factors and terms where the innermost of our layers have room for them."""
        inside_out = ours.layers[::-1]
        scaling = next((index for index, layer in enumerate(inside_out) if layer.kind != "Add"), len(inside_out))
        taking = [place for layer in inside_out[scaling:] if (place := _place_of_terms(layer)) is not None]
        if scaling == len(inside_out) or (not taking and np.any(terms)):
            module = self.differences.describe(ours.layers[0])
            raise DifferenceError(f"it has factors or terms that {module} and what feeds it have no place for")
        return {inside_out[scaling].operands[0]: factors, **({taking[0]: terms} if taking else {})}

    def _factor_of_level(self, ours: Run, product: Doubles) -> float:
        """Return the factor of `product` over weights that levels share, where each level has a scale of its own."""
        outermost = ours.layers[0]
        known = self.adopted.get(ours.layers[-1].operands[0].source, np.zeros(1)).astype(np.float64)
        has_scale = outermost.kind == "Mul" and self.differences.our_shape(outermost.operands[0]) == ()
        if not has_scale or not np.any(known):
            return 1.0
        # A level of zeros is told from the others by its weights alone.
        return float(np.vdot(known, product) / np.vdot(known, known)) or 1.0

    def _unless_rounded(self, operand: Operand, number: Weights) -> Weights:
        """Take the known weight for one that only rounding tells from it."""
        known = self.adopted.get(operand.source)
        if known is None:
            return number
        limit = _ROUNDING * float(np.abs(known).max())
        return known if np.allclose(number.reshape(known.shape), known, rtol=_ROUNDING, atol=limit) else number


def _neutral(layer: Layer) -> Numbers:
    """Return the numbers with which our `layer` changes nothing."""
    one, zero = np.ones(1), np.zeros(1)
    if layer.kind != NORM:
        return {layer.operands[0]: one if layer.kind == "Mul" else zero}
    variance = np.float32(1) - np.float32(cast("float", layer.settings["epsilon"]))
    return dict(zip(layer.operands, (one, zero, zero, np.array(variance)), strict=True))


def _place_of_terms(layer: Layer) -> Operand | None:
    """Return which operand of a layer it adds, if any."""
    first = {"Add": 0, "Mul": None, NORM: 1, **dict.fromkeys(LINEAR, 1)}[layer.kind]
    return None if first is None or len(layer.operands) <= first else layer.operands[first]
