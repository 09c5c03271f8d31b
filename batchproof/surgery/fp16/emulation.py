"""What hardware computes that really stores halves: the FP16 graph, with every rounding written out for a CPU."""

from __future__ import annotations

import onnx
import onnx_ir as ir

from batchproof.surgery.fp16.casts import Caster

_HALF, _FLOAT = ir.DataType.FLOAT16, ir.DataType.FLOAT


def emulated(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the FP16 graph `model` with every node in float32 and every half tensor between them stored as half.

    ONNX Runtime's CPU has no half kernels: it casts around each node, and takes its casts out again where two meet, so
    that results between nodes are neither rounded nor do they overflow. Casts that are part of the graph stay, as long
    as the optimiser is off. Each result is then float32 arithmetic rounded once, to the bit; a GPU that fuses nodes
    rounds less often, one that accumulates in half more often. `model` stays as it is.
    """
    typed = ir.serde.deserialize_model(onnx.shape_inference.infer_shapes(model, strict_mode=True))
    caster = Caster(typed.graph)
    widened: dict[ir.Value, ir.Value] = {}
    for node in tuple(typed.graph):
        if node.op_type not in ("Cast", "Constant"):
            _widen_inputs(node, widened, caster)
            _round_outputs(node, caster)
    result = ir.serde.serialize_model(typed)
    del result.graph.value_info[:]
    return result


def _widen_inputs(node: ir.Node, widened: dict[ir.Value, ir.Value], caster: Caster) -> None:
    for index, value in enumerate(node.inputs):
        if value is None or value.dtype != _HALF:
            continue
        if value not in widened:
            widened[value] = caster.before(node, value, _FLOAT)
        node.replace_input_with(index, widened[value])


def _round_outputs(node: ir.Node, caster: Caster) -> None:
    for value in node.outputs:
        if value.dtype != _HALF:
            continue
        readers = tuple(value.uses())
        rounded = caster.behind(node, value, _HALF)
        for reader, index in readers:
            reader.replace_input_with(index, rounded)
