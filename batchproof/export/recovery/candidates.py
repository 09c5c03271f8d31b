"""Which architectures an ONNX file may have, by the shapes of its weights alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from batchproof.errors import InputError, first_few
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.recovery.layers import LINEAR, LayerGraph, Weights

# What a user does with a file that cannot be recovered.
TAKE_OVER = "Without --recover the file is taken over as it is, and surgery repairs its graph"

_NEAR = 0.5  # share of equal shapes from which on a file counts as a variant of an architecture
_FIRST = 64
_ROUNDING = 1e-6  # two folds of one weight differ by a rounding each

Shapes = Counter[tuple[int, ...]]


def candidates(layers: LayerGraph, where: Path) -> list[str]:
    """Name the architectures whose convolutions and linear layers have exactly the shapes of those in `layers`.

    Raises `InputError` when there is none: with the shapes that differ when one is near, else with the known names.
    """
    found = _their_shapes(layers)
    if exact := [name for name in CATALOGUE if _our_shapes(name) == found]:
        return exact
    nearest = max(CATALOGUE, key=lambda name: _overlap(_our_shapes(name), found))
    wanted = _our_shapes(nearest)
    if _overlap(wanted, found) < _NEAR:
        what = f"its {found.total()} convolutions and linear layers are those of no known architecture"
        raise InputError(what, where=where, remedy=f"Known are {', '.join(CATALOGUE)}. {TAKE_OVER}")
    what = f"nearly a {nearest}, but {_deviations(wanted, found)}"
    raise InputError(what, where=where, remedy=TAKE_OVER)


def _their_shapes(layers: LayerGraph) -> Shapes:
    """Count the weights, each once, whether the layers that share it share a name, have copies, or have multiples.

    Multiples are what folding makes of a weight that levels share, when each level has a scale of its own.
    """
    weights = {layer.operands[0] for layer in layers.layers() if layer.kind in LINEAR and layer.operands}
    arrays = [(layers.constants[each.source], each.transposed) for each in weights]
    # As torch stores them: a product with constant weights has them the other way round.
    oriented = [array if array.ndim != 2 or transposed else array.T for array, transposed in arrays]
    distinct = {(array.shape, array.tobytes()): array for array in oriented}
    return Counter(array.shape for array in _without_multiples(distinct.values()))


def _without_multiples(arrays: Iterable[Weights]) -> list[Weights]:
    kept: list[Weights] = []
    for array in arrays:
        if not any(_is_multiple(array, other) for other in kept if other.shape == array.shape):
            kept.append(array)
    return kept


def _is_multiple(array: Weights, other: Weights) -> bool:
    """Compare the first numbers before all of them: embedders have many weights of one shape, and large ones."""
    ours, theirs = array.ravel(), other.ravel()
    return _are_proportional(ours[:_FIRST], theirs[:_FIRST]) and _are_proportional(ours, theirs)


def _are_proportional(array: Weights, other: Weights) -> bool:
    largest = np.argmax(np.abs(other))
    if not other[largest]:
        return False
    factor = array[largest] / other[largest]
    return np.allclose(array, factor * other, rtol=_ROUNDING, atol=_ROUNDING * float(np.abs(array).max()))


@cache
def _our_shapes(name: str) -> Shapes:
    tensors = CATALOGUE[name].skeleton().state_dict().items()
    return Counter(tuple(tensor.shape) for key, tensor in tensors if key.endswith(".weight") and tensor.ndim > 1)


def _overlap(wanted: Shapes, found: Shapes) -> float:
    return (wanted & found).total() / (wanted | found).total()


def _deviations(wanted: Shapes, found: Shapes) -> str:
    kinds = {"missing": wanted - found, "unexpected": found - wanted}
    return "; ".join(f"{shapes.total()} weights {kind}: {_listed(shapes)}" for kind, shapes in kinds.items() if shapes)


def _listed(shapes: Shapes) -> str:
    return first_few([str(list(shape)) for shape in sorted(shapes.elements())])
