"""The tail that divides an embedding by its length, as exports write it."""

from __future__ import annotations

from batchproof.export.recovery.layers import Layer, LayerGraph

# Around the length: against a division by zero, and to give it the embedding's shape.
_KEEP_LENGTH = ("Clip", "Max", "Expand", "Add")


def before_unit_length(graph: LayerGraph, value: str) -> str | None:
    """Return the embedding that `value` is when divided by its length; None when it is not made so.

    Known are LpNormalization, and Div by ReduceL2 or by the root of a ReduceSum of squares. Which axis they take is
    left to the comparison with the original.
    """
    last = graph.layer(value)
    if last is not None and last.kind == "LpNormalization":
        return last.inputs[0] if last.settings.get("p", 2) == 2 else None
    if last is None or last.kind != "Div" or len(last.inputs) != 2:
        return None
    embedding, divisor = last.inputs
    return embedding if _is_length(graph, divisor, graph.layer(embedding)) else None


def _is_length(graph: LayerGraph, value: str, embedding: Layer | None) -> bool:
    layer = _past_keepers(graph, value)
    if layer is not None and layer.kind == "Sqrt":
        return _sums_squares(graph, _past_keepers(graph, layer.inputs[0]), embedding)
    return layer is not None and layer.kind == "ReduceL2" and graph.layer(layer.inputs[0]) == embedding


def _past_keepers(graph: LayerGraph, value: str) -> Layer | None:
    layer = graph.layer(value)
    while layer is not None and layer.kind in _KEEP_LENGTH and layer.inputs:
        layer = graph.layer(layer.inputs[0])
    return layer


def _sums_squares(graph: LayerGraph, layer: Layer | None, embedding: Layer | None) -> bool:
    if layer is None or layer.kind == "ReduceSumSquare":
        return layer is not None and graph.layer(layer.inputs[0]) == embedding
    squares = graph.layer(layer.inputs[0]) if layer.kind == "ReduceSum" else None
    return squares is not None and _is_square(graph, squares, embedding)


def _is_square(graph: LayerGraph, layer: Layer, embedding: Layer | None) -> bool:
    exponents = [graph.constants[operand.source].tolist() for operand in layer.operands]
    is_square = (layer.kind, exponents) in (("Mul", []), ("Pow", [2.0]))
    return is_square and all(graph.layer(value) == embedding for value in layer.inputs)
