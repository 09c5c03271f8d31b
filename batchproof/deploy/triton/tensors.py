"""The tensors of a network as Triton is told of them, read from what was built and held against the spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from batchproof.artifacts import onnx_file
from batchproof.deploy.engine_description import EngineDescription
from batchproof.errors import StoreError
from batchproof.profile import EngineProfiles, Shape, Shapes
from batchproof.zoo.spec import ModelSpec

ANY = -1
_TYPES: dict[int, str] = {onnx.TensorProto.FLOAT: "FP32", onnx.TensorProto.FLOAT16: "FP16"}
_DESCRIBED_TYPES = {"FLOAT": "FP32", "HALF": "FP16"}
_REMEDY = "Run again to renew it"


@dataclass(frozen=True)
class NetworkTensor:
    """An input or output without its batch axis; `data_type` as Triton writes it behind TYPE_, `ANY` is any size."""

    name: str
    data_type: str
    dims: Shape


@dataclass(frozen=True)
class NetworkTensors:
    """The one input and all outputs of a network, in the order of its spec."""

    input: NetworkTensor
    outputs: tuple[NetworkTensor, ...]


def promised_tensors(spec: ModelSpec, profiles: EngineProfiles) -> NetworkTensors:
    """Say what a network of this spec has; sizes on which the profiles differ are any."""
    outputs = ((output.name, [profile.output_shapes(spec, output) for profile in profiles]) for output in spec.outputs)
    return NetworkTensors(
        NetworkTensor(spec.input.name, "FP32", _dims(profile.input_shapes(spec) for profile in profiles)),
        tuple(NetworkTensor(name, "FP32", _dims(shapes)) for name, shapes in outputs),
    )


def described_tensors(found: EngineDescription, promised: NetworkTensors, path: Path) -> NetworkTensors:
    """Read them from the description of an engine; raises `StoreError` when they are not what was promised."""
    image, *outputs = (
        NetworkTensor(tensor.name, _DESCRIBED_TYPES.get(tensor.dtype, tensor.dtype), _dims(tensor.shapes))
        for tensor in found.tensors
    )
    return _required(NetworkTensors(image, tuple(outputs)), promised, path)


def graph_tensors(model: onnx.ModelProto, promised: NetworkTensors, path: Path) -> NetworkTensors:
    """Read them from a graph. Free sizes of its input are those of the profiles; of its outputs they stay free.

    Triton's ONNX Runtime refuses a model whose outputs are told with other sizes than the graph has, -1 among them
    (onnxruntime_backend, `CompareDimsSupported` with `compare_exact`). Raises `StoreError` when the tensors are not
    what was promised, or when the batch axis is not free.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    images = [value for value in model.graph.input if value.name not in weights]
    given = onnx_file.inferred_outputs(model)
    for value in (*images, *given):
        _require_free_batch(value, path)
    if len(images) != 1:
        raise StoreError(f"has {len(images)} inputs, expected 1", where=path, remedy=_REMEDY)
    outputs = tuple(map(_declared, given))
    known = {tensor.name: tensor for tensor in (promised.input, *promised.outputs)}
    image, *filled = (_filled(tensor, known) for tensor in (_declared(images[0]), *outputs))
    _required(NetworkTensors(image, tuple(filled)), promised, path)
    return NetworkTensors(image, outputs)


def _declared(value: onnx.ValueInfoProto) -> NetworkTensor:
    tensor = value.type.tensor_type
    dims = tuple(dim.dim_value if dim.HasField("dim_value") else ANY for dim in tensor.shape.dim[1:])
    kind = _TYPES.get(tensor.elem_type, onnx.TensorProto.DataType.Name(tensor.elem_type))
    return NetworkTensor(value.name, kind, dims)


def _filled(tensor: NetworkTensor, known: Mapping[str, NetworkTensor]) -> NetworkTensor:
    """Give free sizes those that were promised."""
    promised = known.get(tensor.name, tensor).dims
    if len(promised) != len(tensor.dims):
        return tensor
    dims = (ours if dim == ANY else dim for dim, ours in zip(tensor.dims, promised, strict=True))
    return replace(tensor, dims=tuple(dims))


def _require_free_batch(value: onnx.ValueInfoProto, path: Path) -> None:
    shape = value.type.tensor_type.shape.dim
    if not shape or shape[0].HasField("dim_value"):
        what = f"'{value.name}' has no free batch axis, so that no batch of Triton's fits"
        raise StoreError(what, where=path, remedy="Run the surgery stage again")


def _required(found: NetworkTensors, promised: NetworkTensors, path: Path) -> NetworkTensors:
    ours, theirs = (promised.input, *promised.outputs), (found.input, *found.outputs)
    different = next(((one, other) for one, other in zip(theirs, ours, strict=False) if one != other), None)
    if different is not None:
        what = f"is of another model: has {_told(different[0])}, expected {_told(different[1])}"
        raise StoreError(what, where=path, remedy=_REMEDY)
    if len(theirs) != len(ours):
        raise StoreError(f"is of another model: has {len(theirs)} tensors", where=path, remedy=_REMEDY)
    return found


def _told(tensor: NetworkTensor) -> str:
    return f"'{tensor.name}' of {tensor.data_type} {list(tensor.dims)}"


def _dims(shapes: Iterable[Shapes]) -> Shape:
    """Leave the batch axis out, and open each axis on which the shapes differ."""
    seen = [shape[1:] for one in shapes for shape in (one.minimum, one.optimum, one.maximum)]
    return tuple(sizes[0] if len(set(sizes)) == 1 else ANY for sizes in zip(*seen, strict=True))
