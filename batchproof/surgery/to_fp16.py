"""FP32 graph to strongly typed FP16 graph: precision lives in the tensor types, inputs and outputs stay float32."""

from __future__ import annotations

import warnings

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import NameFixPass
from onnxconverter_common import float16

from batchproof.errors import StepFailedError
from batchproof.surgery import constants
from batchproof.surgery.fp16_summary import LARGEST_HALF, Fp16Summary, summarise

# ONNX gives these parameters float32 whatever the type of the image: roi and scales, and the scales of Upsample.
_FLOAT_PARAMETERS = {"Resize": (1, 2), "Upsample": (1,)}
_BLOCKED = sorted(set(float16.DEFAULT_OP_BLOCK_LIST) - set(_FLOAT_PARAMETERS))


def to_fp16(model: onnx.ModelProto) -> tuple[onnx.ModelProto, Fp16Summary]:
    """Return `model` computing in half precision, with float32 inputs and outputs of the same names and shapes.

    Weights are rounded to the nearest half; those beyond its range become its largest value. Only a Cast at each
    border is added; node names stay, and every Cast is named after its neighbour. `model` stays as it is. Raises
    `StepFailedError` when the types of the converted graph do not fit together.
    """
    named = _with_node_names(model)
    converted = _convert(named)
    _restore_order(converted, named)
    halved = ir.serde.deserialize_model(converted)
    _keep_parameters_float(halved.graph, ir.serde.deserialize_model(named).graph)
    result = ir.serde.serialize_model(halved)
    _declare_like(result, model)
    _check(result)
    return result, summarise(model, result)


def _with_node_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy `model` and name nameless nodes: the converter names its Casts after them, and would give one name twice."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = ir.serde.deserialize_model(copy)
    NameFixPass()(graph)
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
    before = {node.name: node for node in original}
    added: dict[str, ir.Value] = {}
    for node in converted:
        for index in _FLOAT_PARAMETERS.get(node.op_type, ()):
            old, source = constants.input_of(node, index), constants.input_of(before[node.name], index)
            content = constants.read(source)
            if old is None or content is None:
                continue
            name = str(old.name)
            if name not in added:
                added[name] = constants.add(converted, f"{name}_float", content)
            node.replace_input_with(index, added[name])
            _drop_unread(converted, old)


def _drop_unread(graph: ir.Graph, value: ir.Value) -> None:
    producer = value.producer()
    if value.uses() or value.is_graph_output():
        return
    if producer is not None:
        graph.remove(producer, safe=True)
    else:
        graph.initializers.pop(str(value.name))


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
