"""The inputs of a graph, with N in place of whatever they declare for the batch."""

from __future__ import annotations

import onnx

from batchproof.validate.independence.domain import Batched, Cause, Unknown
from batchproof.validate.independence.polynomial import ONE, Poly
from batchproof.validate.independence.symbols import Symbols
from batchproof.validate.independence.tensor import Dims, Tensor, free, product

# What files write for a batch that is open: see the families of models.md.
_OPEN = {None, "", "?", "-1", "0"}


def abstract_inputs(graph: onnx.GraphProto, symbols: Symbols) -> dict[str, Tensor]:
    """Return every input that is no initialiser.

    The batch is axis 0 of the sole input of rank 1 or more, whatever length is declared there. Of several, it is axis 0
    of the first one with the highest rank, and of those that declare the same length there, or an open one. The other
    lengths of an input are its contract, which runtimes enforce: a positive number is taken as it is, all else is open.
    """
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {tensor.values.name for tensor in graph.sparse_initializer}
    given = [value for value in graph.input if value.name not in constants]
    ranked = [value for value in given if _dims(value)]
    image = max(ranked, key=lambda value: len(_dims(value)), default=None)
    first = None if image is None else _declared(_dims(image)[0])
    inputs = {}
    for value in given:
        dims = _dims(value)
        if not value.type.tensor_type.HasField("shape"):
            inputs[value.name] = _unusable(value, "its rank is not declared, so it is not known where the batch is")
        elif not dims:
            inputs[value.name] = free((), steady=True)
        elif len(ranked) == 1 or _declared(dims[0]) in _OPEN | {first}:
            inputs[value.name] = _batched(value, symbols)
        else:
            inputs[value.name] = _unusable(value, "its first axis is declared differently from the batch's")
    return inputs


def _dims(value: onnx.ValueInfoProto) -> list[onnx.TensorShapeProto.Dimension]:
    return list(value.type.tensor_type.shape.dim)


def _declared(dim: onnx.TensorShapeProto.Dimension) -> str | None:
    if dim.HasField("dim_value"):
        return str(dim.dim_value)
    return str(dim.dim_param) if dim.HasField("dim_param") else None


def _batched(value: onnx.ValueInfoProto, symbols: Symbols) -> Tensor:
    inner: Dims = tuple(
        Poly.of(int(dim.dim_value)) if dim.dim_value > 0 else symbols.dimension(f"{value.name}_{axis + 1}_")
        for axis, dim in enumerate(_dims(value)[1:])
    )
    return Tensor(Batched(ONE, product(inner)), (symbols.batch, *inner))


def _unusable(value: onnx.ValueInfoProto, reason: str) -> Tensor:
    return Tensor(Unknown(Cause(-1, value.name, "graph input", value.name, reason)), None)
