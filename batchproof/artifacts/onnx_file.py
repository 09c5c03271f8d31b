"""Reading ONNX files from outside, and writing our own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx.external_data_helper import ExternalDataInfo, load_external_data_for_tensor, uses_external_data

from batchproof.artifacts.input_file import read_bytes
from batchproof.artifacts.onnx_tensors import named_tensors
from batchproof.errors import InputError, first_few
from batchproof.zoo.spec import Precision

_FLOATS = (
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.BFLOAT16,
    onnx.TensorProto.DOUBLE,
)
_STANDARD_DOMAINS = ("", "ai.onnx")
# protobuf itself cannot hold more; bigger models keep their weights in external data.
LARGEST_PROTOBUF = 2**31 - 1
# Arithmetic on shapes has a few elements; anything larger is a weight.
_LARGEST_SHAPE = 1024


def read(path: Path) -> onnx.ModelProto:
    """Read the ONNX file at `path` with its external data.

    Raises `InputError` when the file is missing, unreadable, empty, truncated, not ONNX, without nodes, of two opsets
    or of one that the installed onnx does not know, or when its external data is missing or lies outside its folder.
    """
    model = _checked(path)
    if _weight_bytes(model, path) > LARGEST_PROTOBUF:
        raise InputError("has more than 2 GB of weights", where=path, remedy="Only 'batchproof prove' takes it")
    with _naming_what_is_invalid(path):
        onnx.load_external_data_for_model(model, str(path.parent))
        onnx.checker.check_model(model)
    return model


def read_graph(path: Path) -> onnx.ModelProto:
    """Do the same for those who look at the graph alone: external weights that are no shapes stay on the disk.

    So a model of any size can be read.
    """
    model = _checked(path)
    with _naming_what_is_invalid(path):
        onnx.checker.check_model(str(path))
        for _, tensor in named_tensors(model):
            if uses_external_data(tensor) and prod(tensor.dims) <= _LARGEST_SHAPE:
                load_external_data_for_tensor(tensor, str(path.parent))
                # Older releases of onnx leave the tensor's word that its data is elsewhere.
                tensor.data_location = onnx.TensorProto.DEFAULT
                del tensor.external_data[:]
    return model


def inferred_outputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the outputs with every size that follows from the graph: what ONNX Runtime tells, declared or not."""
    try:
        return list(onnx.shape_inference.infer_shapes(model).graph.output)
    except onnx.shape_inference.InferenceError:  # sizes that contradict each other
        return list(model.graph.output)


def _checked(path: Path) -> onnx.ModelProto:
    model = _parsed(path)
    _check_opsets(model, path)
    _check_external_data(model, path)
    return model


@contextmanager
def _naming_what_is_invalid(path: Path) -> Iterator[None]:
    try:
        yield
    except (onnx.checker.ValidationError, OSError, ValueError, RuntimeError) as error:
        detail = " ".join(str(error).split())
        raise InputError(
            f"not a valid ONNX model ({detail})", where=path, remedy="Fetch or export the file again"
        ) from error


def _weight_bytes(model: onnx.ModelProto, path: Path) -> int:
    files = {path.parent / location for location in _locations(model, path)}
    return int(model.ByteSize()) + sum(file.stat().st_size for file in files)


def external_files(path: Path) -> list[Path]:
    """Return the files that hold the weights of the ONNX file at `path`, sorted; empty for a self-contained file."""
    model = _parsed(path)
    _check_external_data(model, path)
    return sorted({path.parent / location for location in _locations(model, path)})


def precision(model: onnx.ModelProto) -> Precision:
    """Tell from the weights of the main graph what it computes in: what most of their elements are."""
    elements = Counter[int]()
    for tensor in model.graph.initializer:
        elements[tensor.data_type] += prod(tensor.dims)
    return "fp16" if elements[onnx.TensorProto.FLOAT16] > elements[onnx.TensorProto.FLOAT] else "fp32"


def non_finite_weights(model: onnx.ModelProto) -> list[str]:
    """Name the weights that hold NaN or Inf, those of Constant nodes, subgraphs and functions too.

    An infinite number that stands alone is none: Clip and Pad take it as a bound. What was not read is not looked at.
    """
    read_in = ((name, tensor) for name, tensor in named_tensors(model) if not uses_external_data(tensor))
    floats = ((name, tensor) for name, tensor in read_in if tensor.data_type in _FLOATS)
    return [name for name, tensor in floats if not _is_usable(onnx.numpy_helper.to_array(tensor))]


def require_finite_weights(model: onnx.ModelProto, path: Path) -> None:
    """Raise `InputError` when weights hold NaN or Inf, as `non_finite_weights` names them."""
    if broken := non_finite_weights(model):
        what = f"weights hold NaN or Inf: {first_few(broken)}"
        raise InputError(what, where=path, remedy="Export the model again")


def _is_usable(weights: NDArray[np.generic]) -> bool:
    return bool(np.isfinite(weights).all() or (weights.size == 1 and not np.isnan(weights).any()))


def _parsed(path: Path) -> onnx.ModelProto:
    content = read_bytes(path, largest=LARGEST_PROTOBUF, too_large="Keep the weights in external data")
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise InputError(
            "not an ONNX file, or a truncated one", where=path, remedy="Fetch or export the file again"
        ) from error
    if not model.graph.node and model.opset_import and model.graph.output:
        raise InputError("its graph has no nodes, and so computes nothing", where=path, remedy="Name a network")
    if not model.graph.node or not model.opset_import:
        raise InputError(
            "holds no ONNX graph: empty, truncated or of another format",
            where=path,
            remedy="Fetch or export the file again",
        )
    return model


def _check_opsets(model: onnx.ModelProto, path: Path) -> None:
    found = {entry.version for entry in model.opset_import if entry.domain in _STANDARD_DOMAINS}
    newest = onnx.defs.onnx_opset_version()
    if len(found) > 1:
        raise InputError(
            f"imports the standard operators in opsets {' and '.join(map(str, sorted(found)))}",
            where=path,
            remedy="Nobody can tell which one is meant; export the file again",
        )
    if max(found, default=0) > newest:
        raise InputError(
            f"is in opset {max(found)}, the installed onnx {onnx.__version__} knows them up to {newest}",
            where=path,
            remedy="Install a newer onnx, or export with an older opset",
        )


def _locations(model: onnx.ModelProto, path: Path) -> list[str]:
    try:
        return [ExternalDataInfo(tensor).location for _, tensor in named_tensors(model) if uses_external_data(tensor)]
    except ValueError as error:
        raise InputError(
            f"says wrongly where its external data is ({error})", where=path, remedy="Fetch or export the file again"
        ) from error


def _check_external_data(model: onnx.ModelProto, path: Path) -> None:
    folder = path.parent.resolve()
    for location in set(_locations(model, path)):
        target = (folder / location).resolve()
        if not target.is_relative_to(folder):
            raise InputError(
                f"its external data '{location}' lies outside its folder",
                where=path,
                remedy="Refused: such a file could read any file of this machine",
            )
        if not target.is_file():
            raise InputError(
                f"its external data '{location}' is missing", where=path, remedy="Put it beside the ONNX file"
            )
