"""Nodes of an FP16 graph that compute in FP32 after all, with a Cast at the border of each island and nowhere else."""

from __future__ import annotations

from collections.abc import Collection

import onnx_ir as ir

from batchproof.surgery.fp16.casts import Caster, drop_unread, is_cast
from batchproof.surgery.fp16.float_constants import FloatConstants

_HALF, _FLOAT = ir.DataType.FLOAT16, ir.DataType.FLOAT


def keep_in_float(halved: ir.Graph, original: ir.Graph, names: Collection[str]) -> None:
    """Let the nodes `names` of `halved` compute in float32 again, with the weights that they have in `original`.

    Every value of `halved` must know its type. Neighbours in the island pass float32 to each other. What was float32
    beside the island (an input, an output, a node without a half form) is read and written directly, not by way of
    half.
    """
    exact, caster = FloatConstants(halved, original), Caster(halved)
    island = [node for node in halved if node.name in names]
    for node in island:
        _restore_constants(node, exact)
        _widen_outputs(node, caster)
    for node in island:
        _widen_inputs(node, caster)
    drop_unread(halved)


def _restore_constants(node: ir.Node, exact: FloatConstants) -> None:
    for index, value in enumerate(node.inputs):
        if value is not None and value.dtype == _HALF:
            exact.restore(node, index)


def _widen_outputs(node: ir.Node, caster: Caster) -> None:
    """Make the results float32: a Cast to float32 behind them goes, and all but Shape read halves as before."""
    for value in node.outputs:
        if value.dtype != _HALF:
            continue
        readers = tuple(value.uses())
        value.type = ir.TensorType(_FLOAT)
        narrowed = caster.behind(node, value, _HALF)
        for reader, index in readers:
            if is_cast(reader, _FLOAT):
                _skip(reader, value)
            elif reader.op_type != "Shape":
                reader.replace_input_with(index, narrowed)


def _skip(cast: ir.Node, value: ir.Value) -> None:
    """Put `value` in the place of its float32 Cast; where that was an output of the graph, under the output's name."""
    output = cast.outputs[0]
    name = output.name if output.is_graph_output() else value.name
    output.replace_all_uses_with(value, replace_graph_outputs=True)
    output.name, value.name = f"{name}_skipped", name


def _widen_inputs(node: ir.Node, caster: Caster) -> None:
    for index, value in enumerate(node.inputs):
        if value is not None and value.dtype == _HALF:
            node.replace_input_with(index, _float_source(value) or caster.before(node, value, _FLOAT))


def _float_source(value: ir.Value) -> ir.Value | None:
    """Return the float32 tensor that the half `value` was cast from, if it was."""
    producer = value.producer()
    if producer is None or not is_cast(producer, _HALF):
        return None
    source = producer.inputs[0]
    return source if source is not None and source.dtype == _FLOAT else None
