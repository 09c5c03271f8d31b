"""Runs of layers that scale and shift channels, which other tools merge: what a whole run computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from batchproof.export.recovery.differences import DifferenceError
from batchproof.export.recovery.layers import LINEAR, Layer, LayerGraph, Operand, Weights

NORM = "BatchNormalization"

_SCALING_OR_SHIFTING = ("Mul", "Add")

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """Layers, each fed by the next, of which the last may be a linear one; `source` is the value that feeds them."""

    layers: tuple[Layer, ...]
    source: str

    @property
    def linear(self) -> Layer | None:
        """The layer with weights of more dimensions, if it ends in one."""
        return self.layers[-1] if self.layers and self.layers[-1].kind in LINEAR else None

    @property
    def affine(self) -> tuple[Layer, ...]:
        """The layers behind it, which scale and shift channels."""
        return self.layers if self.linear is None else self.layers[:-1]


def run_behind(graph: LayerGraph, value: str, is_by_channel: Callable[[Operand], bool]) -> Run:
    """Return the longest run that makes `value`, which may be empty."""
    layers: list[Layer] = []
    while (layer := graph.layer(value)) is not None and len(layer.inputs) == 1:
        if not _is_linear(layer) and not _is_affine(layer, is_by_channel):
            break
        layers.append(layer)
        value = layer.inputs[0]
        if _is_linear(layer):
            break
    return Run(tuple(layers), value)


def scale_and_shift(run: Run, constants: Mapping[str, Weights]) -> tuple[Doubles, Doubles]:
    """Reckon what `run` does to each channel behind its linear layer's product: factors and terms.

    They have as many numbers as there are channels, or one for all. Raises `ValueError` when numbers do not fit, and
    `DifferenceError` for a norm that divides by the root of what is not positive.
    """
    linear = run.linear
    bias = linear.operands[1:] if linear else ()
    scale, shift = np.ones(1), _doubles(bias[0], constants) if bias else np.zeros(1)
    for layer in reversed(run.affine):
        factor, term = _factor_and_term(layer, constants)
        scale, shift = scale * factor, shift * factor + term
    return scale, shift


def _factor_and_term(layer: Layer, constants: Mapping[str, Weights]) -> tuple[Doubles, Doubles]:
    first, *others = (_doubles(operand, constants) for operand in layer.operands)
    if layer.kind == "Add":
        return np.ones(1), first
    if layer.kind == "Mul":
        return first, np.zeros(1)
    bias, mean, variance = others
    squared = variance + cast("float", layer.settings["epsilon"])
    if not np.all(squared > 0):
        raise DifferenceError(f"its {layer.node} has a variance that is not positive, its epsilon added")
    factor = first / np.sqrt(squared)
    return factor, bias - mean * factor


def _doubles(operand: Operand, constants: Mapping[str, Weights]) -> Doubles:
    return constants[operand.source].astype(np.float64).ravel()


def _is_linear(layer: Layer) -> bool:
    return layer.kind in LINEAR and len(layer.operands) > 0


def _is_affine(layer: Layer, is_by_channel: Callable[[Operand], bool]) -> bool:
    if layer.kind == NORM:
        return len(layer.operands) == 4
    return layer.kind in _SCALING_OR_SHIFTING and len(layer.operands) == 1 and is_by_channel(layer.operands[0])
