"""In what two layers differ, as a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from batchproof.export.recovery.layers import LINEAR, Layer, LayerGraph, Operand, Weights

Shape = tuple[int, ...]


class DifferenceError(Exception):
    """The first place, seen from the outputs, where the graphs are not alike; `remedy` where it has its own."""

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


class Differences:
    """Compares layers of `ours`, whose operands are keys with `shapes`, with layers of `theirs`, an ONNX file."""

    def __init__(self, ours: LayerGraph, theirs: LayerGraph, shapes: Mapping[str, Shape]) -> None:
        self._ours, self._theirs, self._shapes = ours, theirs, shapes

    def between(self, our: Layer | None, their: Layer | None, *, folds: bool = False) -> str | None:
        """Say in what two layers differ; None when they are alike, or both are the image.

        With `folds` a bias of theirs is none: what ours has in front of the layer takes it.
        """
        if our is None and their is None:
            return None
        if our is None or their is None or our.kind != their.kind:
            return f"{_name(their)} stands where {self.describe(our)} is expected"
        if our.settings != their.settings:
            expected = f"{self.describe(our)} has {_differing(our, their)}"
            return f"{_name(their)} has {_differing(their, our)} where {expected}"
        return self._between_weights(our, their, folds=folds)

    def describe(self, layer: Layer | None) -> str:
        """Name our layer by its kind and the module whose weights it has."""
        if layer is None:
            return "the image"
        key = next((each.source for each in layer.operands if each.source in self._shapes), "")
        return f"{layer.kind} {key.rpartition('.')[0]}".strip()

    def their_array(self, mine: Operand, foreign: Operand) -> Weights:
        """Return the constant behind `foreign` with its axes in the order of `mine`."""
        array = self._theirs.constants[foreign.source]
        return array.T if mine.transposed != foreign.transposed else array

    def our_shape(self, mine: Operand) -> Shape:
        """Return the shape of the weight, or of the constant of our network itself, behind `mine`."""
        constant = self._ours.constants.get(mine.source)
        return self._shapes[mine.source] if constant is None else constant.shape

    def _between_weights(self, our: Layer, their: Layer, *, folds: bool) -> str | None:
        for mine, foreign in zip(our.operands, their.operands, strict=False):
            expected, found = self.our_shape(mine), self.their_array(mine, foreign).shape
            if not _same_shape(expected, found):
                return f"its {their.node} has weights {list(found)} where {self.describe(our)} has {list(expected)}"
        surplus = len(their.operands) - len(our.operands)
        has_place = surplus == 0 or (our.kind in LINEAR and (surplus < 0 or folds))
        if len(our.inputs) != len(their.inputs) or not has_place:
            return f"its {their.node} has other inputs than {self.describe(our)}"
        return None


def _name(their: Layer | None) -> str:
    return "the image" if their is None else f"its {their.node}"


def _differing(layer: Layer, other: Layer) -> str:
    names = [name for name, value in layer.settings.items() if other.settings.get(name) != value]
    return ", ".join(f"{name} {layer.settings[name]}" for name in names) or "nothing of the kind"


def _same_shape(expected: Shape, found: Shape) -> bool:
    """A slope [C, 1, 1] is a slope [C], and a scale [1] is a scale []."""
    if len(expected) == len(found):
        return expected == found
    return [size for size in expected if size != 1] == [size for size in found if size != 1]
