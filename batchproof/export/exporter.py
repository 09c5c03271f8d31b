"""PyTorch to a self-contained ONNX file whose batch dimension is free.

Both of torch 2.13's exporters give right and proven graphs for all architectures (reports/networks.md). The default is
the TorchScript one: it takes 0.2 s to 20 s where the dynamo one takes 3 s to 27 s, and it exports every opset from 13
on itself. The dynamo one starts at 18 and converts down where it can: ViT to 17, AdaFace not at all, the others to 16.
Where it cannot, it answers with 18, which is refused. In turn only it knows GroupNormalization, from opset 21 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx
import onnx_ir as ir
from onnx_ir.passes import common as passes
from torch import nn

from batchproof.errors import InputError
from batchproof.export.options import DEFAULTS, ExportOptions
from batchproof.export.size_guard import guard_size
from batchproof.export.tracers import trace
from batchproof.zoo.spec import ModelSpec

_COPY_BATCH = 0  # in the shape of a Reshape: this dimension is the input's
_INFER = -1


def export_onnx(
    network: nn.Module, spec: ModelSpec, path: Path, *, options: ExportOptions = DEFAULTS, metadata: Mapping[str, str]
) -> None:
    """Write `network` to `path`; equal networks, options and metadata give equal bytes, whatever was exported before.

    The input is float32 `[N, 3, H, W]`. H and W are free for detectors, and the graph itself refuses those that are no
    multiples of what the spec asks for. The outputs carry the names of the spec and are `[N, rows_8, C]` and so on, or
    `[N, C]`. Nothing is declared for inner tensors. `metadata` becomes the model's metadata properties. Raises
    `InputError` when `path` cannot be written, and when the exporter cannot write the opset.
    """
    model = ir.from_proto(trace(network, spec, options.exporter, options.opset))
    _tidy(model)
    if spec.input.dynamic_size:
        guard_size(model.graph, spec.input.multiple_of)
    for output in spec.outputs:
        if output.stride is not None:
            _let_tail_copy_batch(model.graph, output.name, output.channels)
    passes.RemoveUnusedNodesPass()(model)
    model.metadata_props.update(metadata)
    _write(_declared(model, spec), path)


def _tidy(model: ir.Model) -> None:
    """Constants as initialisers, no Identity in front of shared weights, no source positions."""
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    passes.IdentityEliminationPass()(model)
    passes.ClearMetadataAndDocStringPass()(model)


def _let_tail_copy_batch(graph: ir.Graph, name: str, channels: int) -> None:
    """Give the Reshape before output `name` the constant shape `[0, -1, C]` for the one it computes from the batch."""
    tail = next(value for value in graph.outputs if value.name == name).producer()
    if tail is not None and tail.op_type == "Sigmoid" and tail.inputs[0] is not None:
        tail = tail.inputs[0].producer()
    if tail is None or tail.op_type != "Reshape":
        raise ValueError(f"output '{name}' is not made by a Reshape")
    shape = ir.Value(name=f"{name}_rows", const_value=ir.tensor([_COPY_BATCH, _INFER, channels], name=f"{name}_rows"))
    graph.register_initializer(shape)
    tail.attributes.pop("allowzero", None)
    tail.replace_input_with(1, shape)


def _declared(model: ir.Model, spec: ModelSpec) -> onnx.ModelProto:
    """Declare the spec's dimensions on inputs and outputs, and nothing in between."""
    proto = ir.to_proto(model)
    del proto.graph.value_info[:], proto.graph.input[:], proto.graph.output[:]
    float32 = onnx.TensorProto.FLOAT
    size = [spec.input.height or "H", spec.input.width or "W"]
    proto.graph.input.add().CopyFrom(
        onnx.helper.make_tensor_value_info(spec.input.name, float32, ["N", spec.input.channels, *size])
    )
    for output in spec.outputs:
        rows = [] if output.stride is None else [f"rows_{output.stride}"]
        proto.graph.output.add().CopyFrom(
            onnx.helper.make_tensor_value_info(output.name, float32, ["N", *rows, output.channels])
        )
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _write(proto: onnx.ModelProto, path: Path) -> None:
    try:
        path.write_bytes(proto.SerializeToString(deterministic=True))
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror})", where=path, remedy="Check the folder and its permissions"
        ) from error
