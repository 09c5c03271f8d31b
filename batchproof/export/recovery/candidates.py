"""Which architectures an ONNX file may have, by the shapes of its weights alone."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from batchproof.errors import InputError, first_few
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.recovery.differences import Shape
from batchproof.export.recovery.layers import LINEAR, Layer, LayerGraph
from batchproof.export.recovery.reference import linear_shapes

# What a user does with a file that cannot be recovered.
TAKE_OVER = "Without --recover the file is taken over as it is, and surgery repairs its graph"

_NEAR = 0.5  # share of equal shapes from which on a file counts as a variant of an architecture


def candidates(layers: LayerGraph, where: Path) -> list[str]:
    """Name the architectures whose convolutions and linear layers have exactly the shapes of those in `layers`.

    Layers are counted, not weights: a file may store a weight that layers share once, in copies, or in multiples, which
    are what folding makes of it when each layer has a scale of its own. Raises `InputError` when there is none: with
    the shapes that differ when one is near, else with the known names.
    """
    found = Counter(_shape(layers, layer) for layer in layers.layers() if layer.kind in LINEAR and layer.operands)
    if exact := [name for name in CATALOGUE if _wanted(name) == found]:
        return exact
    nearest = max(CATALOGUE, key=lambda name: _overlap(_wanted(name), found))
    wanted = _wanted(nearest)
    if _overlap(wanted, found) < _NEAR:
        what = f"its {found.total()} convolutions and linear layers are those of no known architecture"
        raise InputError(what, where=where, remedy=f"Known are {', '.join(CATALOGUE)}. {TAKE_OVER}")
    what = f"nearly a {nearest}, but {_deviations(wanted, found)}"
    raise InputError(what, where=where, remedy=TAKE_OVER)


def _shape(layers: LayerGraph, layer: Layer) -> Shape:
    """Return the shape as torch stores it: a product with constant weights has them the other way round."""
    weight = layer.operands[0]
    shape = layers.constants[weight.source].shape
    return shape[::-1] if len(shape) == 2 and not weight.transposed else shape


@cache
def _wanted(name: str) -> Counter[Shape]:
    return Counter(linear_shapes(CATALOGUE[name]))


def _overlap(wanted: Counter[Shape], found: Counter[Shape]) -> float:
    return (wanted & found).total() / (wanted | found).total()


def _deviations(wanted: Counter[Shape], found: Counter[Shape]) -> str:
    kinds = {"missing": wanted - found, "unexpected": found - wanted}
    return "; ".join(f"{shapes.total()} weights {kind}: {_listed(shapes)}" for kind, shapes in kinds.items() if shapes)


def _listed(shapes: Counter[Shape]) -> str:
    return first_few([str(list(shape)) for shape in sorted(shapes.elements())])
