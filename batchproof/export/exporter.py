"""PyTorch to a self-contained ONNX file whose batch dimension is free.

Both of torch 2.13's exporters give right results for these networks. The TorchScript one is used: it takes 0.2 s where
the dynamo one takes 3 to 9, exports opset 17 itself where that converts down from 18, and names height `H` where that
declares `32*h` and computes the shapes of the tails from it by some 40 nodes.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import onnx
import onnx_ir as ir
import torch
from onnx_ir.passes import common as passes
from torch import nn

from batchproof.errors import InputError
from batchproof.zoo.spec import ModelSpec

OPSET = 17

_TRACED_BATCH = 2  # any; not 1, so that nothing can mistake the batch for an axis to broadcast
_TRACED_SIZE = (64, 96)
_COPY_BATCH = 0  # in the shape of a Reshape: this dimension is the input's
_INFER = -1


def export_onnx(
    network: nn.Module, spec: ModelSpec, path: Path, *, opset: int = OPSET, metadata: Mapping[str, str]
) -> None:
    """Write `network` to `path`; equal networks and metadata give equal bytes, whatever was exported before.

    The input is float32 `[N, 3, H, W]` (H and W free for detectors), the outputs carry the names of the spec and are
    `[N, rows_8, C]` and so on, or `[N, C]`. Nothing is declared for inner tensors. `metadata` becomes the model's
    metadata properties. Raises `InputError` when `path` cannot be written.
    """
    model = ir.from_proto(_traced(network, spec, opset))
    _tidy(model)
    for output in spec.outputs:
        if output.stride is not None:
            _let_tail_copy_batch(model.graph, output.name, output.channels)
    passes.RemoveUnusedNodesPass()(model)
    model.metadata_props.update(metadata)
    _write(_declared(model, spec), path)


def _traced(network: nn.Module, spec: ModelSpec, opset: int) -> onnx.ModelProto:
    """Run torch's exporter, without what it says to the console."""
    free = {0: "N", 2: "H", 3: "W"} if spec.input.dynamic_size else {0: "N"}
    names = [output.name for output in spec.outputs]
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # deprecation notices: about this call, for nobody but this module
        file = Path(folder) / "traced.onnx"
        torch.onnx.export(
            network,
            (torch.zeros(spec.input.shape(_TRACED_BATCH, *_TRACED_SIZE)),),
            file,
            input_names=[spec.input.name],
            output_names=names,
            dynamic_axes={spec.input.name: free, **{name: {0: "N"} for name in names}},
            opset_version=opset,
            dynamo=False,
        )
        return onnx.load(file)


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
