"""The tail that divides an embedding by its length, as exports write it."""

from __future__ import annotations

from typing import cast

import numpy as np

from batchproof.export.recovery.layers import Layer, LayerGraph

# What exports add to a length, or take for a smaller one, against a division by zero. Embeddings have lengths near 10.
_NEGLIGIBLE = 1e-6
_UNBOUNDED = float(np.finfo(np.float32).max)


def before_unit_length(graph: LayerGraph, value: str) -> str | None:
    """Return the embedding that `value` is when divided by its length; None when it is not made so.

    Known are LpNormalization, and Div by ReduceL2 or by the root of a ReduceSum of squares. Between them may stand what
    keeps every length: constants of at most 1e-6 as a lower bound or a term, and Expand. Which axis they take is left
    to the comparison with the original.
    """
    last = graph.layer(value)
    if last is None or not last.inputs:
        return None
    embedding = graph.origin(last.inputs[0])
    if last.kind == "LpNormalization":
        return embedding if last.settings.get("p", 2) == 2 else None
    if last.kind != "Div" or len(last.inputs) != 2:
        return None
    return embedding if _is_length(graph, last.inputs[1], embedding) else None


def _is_length(graph: LayerGraph, value: str, embedding: str) -> bool:
    layer = _past_guards(graph, value)
    if layer is not None and layer.kind == "Sqrt":
        return _is_sum_of_squares(graph, layer.inputs[0], embedding)
    return layer is not None and layer.kind == "ReduceL2" and _takes(graph, layer, embedding)


def _is_sum_of_squares(graph: LayerGraph, value: str, embedding: str) -> bool:
    layer = _past_guards(graph, value)
    if layer is not None and layer.kind == "ReduceSum" and len(layer.inputs) == 1:
        squares = graph.layer(layer.inputs[0])
        return squares is not None and _is_square(graph, squares, embedding)
    return layer is not None and layer.kind == "ReduceSumSquare" and _takes(graph, layer, embedding)


def _is_square(graph: LayerGraph, layer: Layer, embedding: str) -> bool:
    factors = [graph.origin(value) for value in layer.inputs]
    exponents = [graph.constants[operand.source].ravel().tolist() for operand in layer.operands]
    return (layer.kind, factors, exponents) in (("Mul", [embedding] * 2, []), ("Pow", [embedding], [[2.0]]))


def _takes(graph: LayerGraph, layer: Layer, embedding: str) -> bool:
    """Tell whether a layer reduces the embedding, and over axes that no value decides."""
    return [graph.origin(value) for value in layer.inputs] == [embedding]


def _past_guards(graph: LayerGraph, value: str) -> Layer | None:
    """Return the layer behind `value` and behind what keeps it; None when that is a constant or the image."""
    layer = graph.layer(value)
    while layer is not None and _keeps_length(graph, layer):
        layer = graph.layer(layer.inputs[0])
    return layer if layer is not None and layer.inputs else None


def _keeps_length(graph: LayerGraph, layer: Layer) -> bool:
    if len(layer.inputs) != 1:
        return False
    terms = [graph.constants[operand.source] for operand in layer.operands]
    if layer.kind == "Clip":
        lowest, highest = cast("tuple[tuple[float, ...], ...]", layer.settings["bounds"])
        return bool(np.less_equal(lowest, _NEGLIGIBLE).all() and np.greater_equal(highest, _UNBOUNDED).all())
    if layer.kind == "Max":
        return all(bool(np.less_equal(term, _NEGLIGIBLE).all()) for term in terms)
    return layer.kind == "Expand" or (layer.kind == "Add" and bool(np.less_equal(np.abs(terms), _NEGLIGIBLE).all()))
