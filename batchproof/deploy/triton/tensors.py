"""The tensors of a network as Triton is told of them, read from what was built and held against the spec."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

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
    """Read them from a graph; sizes that it leaves free are those of the profiles.

    Raises `StoreError` when they are not what was promised, or when its batch axis is not free.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    images = [value for value in model.graph.input if value.name not in weights]
    for value in (*images, *model.graph.output):
        _require_free_batch(value, path)
    inputs, outputs = _declared(images, [promised.input]), _declared(model.graph.output, promised.outputs)
    if len(inputs) != 1:
        raise StoreError(f"has {len(inputs)} inputs, expected 1", where=path, remedy=_REMEDY)
    return _required(NetworkTensors(inputs[0], tuple(outputs)), promised, path)


def _declared(values: Iterable[onnx.ValueInfoProto], promised: Sequence[NetworkTensor]) -> list[NetworkTensor]:
    known = {tensor.name: tensor.dims for tensor in promised}
    return [_from_graph(value, known.get(value.name, ())) for value in values]


def _from_graph(value: onnx.ValueInfoProto, promised: Shape) -> NetworkTensor:
    tensor = value.type.tensor_type
    dims = tuple(dim.dim_value if dim.HasField("dim_value") else ANY for dim in tensor.shape.dim[1:])
    if len(dims) == len(promised):
        dims = tuple(ours if dim == ANY else dim for dim, ours in zip(dims, promised, strict=True))
    kind = _TYPES.get(tensor.elem_type, onnx.TensorProto.DataType.Name(tensor.elem_type))
    return NetworkTensor(value.name, kind, dims)


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
