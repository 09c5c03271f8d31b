"""FP32 graph to strongly typed FP16 graph: precision lives in the tensor types, inputs and outputs stay float32."""

from __future__ import annotations

import warnings
from collections.abc import Collection

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import NameFixPass
from onnxconverter_common import float16

from batchproof.errors import InputError, StepFailedError
from batchproof.surgery.fp16.casts import merge
from batchproof.surgery.fp16.float_constants import FloatConstants
from batchproof.surgery.fp16.input_views import input_views
from batchproof.surgery.fp16.islands import keep_in_float
from batchproof.surgery.fp16.summary import LARGEST_HALF, Fp16Summary, computing_nodes, summarise
from batchproof.surgery.outputs import succeed

# ONNX gives these parameters float32 whatever the type of the image: roi and scales, and the scales of Upsample.
_FLOAT_PARAMETERS = {"Resize": (1, 2), "Upsample": (1,)}
# Measured on three real models, ModelOpt AutoCast 0.47 gives the same Casts and the same figures; it wants torch, moves
# the opset to 13, and where weights vanish below the range of half it keeps the wrong node in FP32.
_BLOCKED = sorted(set(float16.DEFAULT_OP_BLOCK_LIST) - set(_FLOAT_PARAMETERS))
_SHOWN = 5


def to_fp16(model: onnx.ModelProto, keep_float: Collection[str] = ()) -> tuple[onnx.ModelProto, Fp16Summary]:
    """Return `model` computing in half precision, with float32 inputs and outputs of the same names and shapes.

    Weights are rounded to the nearest half; those beyond its range become its largest value. The nodes `keep_float`
    stay in float32 with their own weights, and so does what only looks at an input. Only a Cast for each tensor at a
    border is added; node names stay. `model` stays as it is. Raises `InputError` for names that no node has, and
    `StepFailedError` when the types of the converted graph do not fit together.
    """
    if any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer):
        raise StepFailedError("this graph has weights in half already", remedy="Give the FP32 graph it was made from")
    named = prepared(model)
    _require_nodes(named, keep_float)
    original = ir.serde.deserialize_model(named).graph
    converted = _convert(named)
    _restore_order(converted, named)
    halved = ir.serde.deserialize_model(converted)
    _keep_parameters_float(halved.graph, original)
    if kept := {*keep_float, *input_views(named.graph)}:
        halved = _with_types(halved)
        keep_in_float(halved.graph, original, kept)
    merge(halved.graph)
    result = ir.serde.serialize_model(halved)
    _declare_like(result, model)
    _check(result)
    return result, summarise(model, result)


def prepared(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy `model` with a name for every node, and with an Identity before each output that the graph itself reads.

    Plans, and the converter for its Casts, need names; and the converter makes all readers of an output read float32.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = ir.serde.deserialize_model(copy)
    NameFixPass()(graph)
    for output in list(graph.graph.outputs):
        if output.uses():
            apart = ir.node("Identity", [output], name=f"{output.name}/Identity")
            graph.graph.append(apart)
            succeed(graph.graph, output, apart.outputs[0], inner=f"{output.name}_inner")
    return ir.serde.serialize_model(graph)


def _convert(model: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one line per clipped weight; the summary counts them
        converted: onnx.ModelProto = float16.convert_float_to_float16(
            copy, min_positive_val=0.0, max_finite_val=LARGEST_HALF, keep_io_types=True, op_block_list=_BLOCKED
        )
    return converted


def _restore_order(converted: onnx.ModelProto, original: onnx.ModelProto) -> None:
    """Undo the converter's sorting: insightface reads the names of the first nodes. Casts go before their readers."""
    positions = {node.name: float(index) for index, node in enumerate(original.graph.node)}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in converted.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def position(node: onnx.NodeProto) -> float:
        if node.name in positions:
            return positions[node.name]
        following = [position(reader) for name in node.output for reader in readers.get(name, [])]
        return min(following, default=float(len(positions))) - 0.5

    ordered = sorted(converted.graph.node, key=position)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered]
    del converted.graph.node[:]
    converted.graph.node.extend(copies)


def _keep_parameters_float(converted: ir.Graph, original: ir.Graph) -> None:
    """Give roi and scales their float32 constants back; everything else that reads them keeps the half ones."""
    exact = FloatConstants(converted, original)
    for node in converted:
        for index in _FLOAT_PARAMETERS.get(node.op_type, ()):
            exact.restore(node, index)


def _with_types(halved: ir.Model) -> ir.Model:
    return ir.serde.deserialize_model(
        onnx.shape_inference.infer_shapes(ir.serde.serialize_model(halved), strict_mode=True)
    )


def _require_nodes(model: onnx.ModelProto, names: Collection[str]) -> None:
    unknown = sorted(set(names) - {node.name for node in computing_nodes(model)})
    if unknown:
        raise InputError(
            f"no node that computes is called {', '.join(unknown[:_SHOWN])}, of {len(names)} to keep in FP32",
            remedy="Search again for this graph, or correct the names",
        )


def _declare_like(converted: onnx.ModelProto, original: onnx.ModelProto) -> None:
    """Restore the declared inputs and outputs: the converter's shape inference writes what it finds into them."""
    graph = converted.graph
    del graph.value_info[:], graph.input[:], graph.output[:]
    graph.input.extend(original.graph.input)
    graph.output.extend(original.graph.output)


def _check(converted: onnx.ModelProto) -> None:
    """Check names, and infer all types strictly: this fails where the converter left half and float to meet."""
    try:
        onnx.checker.check_model(converted, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise StepFailedError(
            f"half precision does not fit this graph ({str(error).strip().splitlines()[0]})"
        ) from error
