"""Which family an ONNX graph belongs to, decided by its graph alone, never by its file name."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import onnx

from batchproof.errors import InputError
from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec

# What insightface's loaders look for among the first eight nodes to decide that normalisation is in the graph.
_NORMALISATION_NODES = 8
# What they take for normalisation too, among the first three nodes of a landmark or attribute network only.
_NORMALISING_NORM, _NORM_NODES = "bn_data", 3
# The metadata entry by which our own graphs say that they take raw pixels: type, order of axes, order of colours.
RAW_INPUT = "batchproof.input"
# Those that a spec can describe: float32 images, only not normalised.
_RAW_FLOAT_IMAGES: dict[str, Literal["RGB", "BGR"]] = {"float32 NCHW RGB": "RGB", "float32 NCHW BGR": "BGR"}
_SCRFD_LAYOUTS = {
    6: ((8, 16, 32), 2),
    9: ((8, 16, 32), 2),
    10: ((8, 16, 32, 64, 128), 1),
    15: ((8, 16, 32, 64, 128), 1),
}
_GENDERAGE_CHANNELS = 3
_SMALLEST_EMBEDDING, _LARGEST_EMBEDDING = 64, 2048


@dataclass(frozen=True)
class Recognition:
    """The family of a graph, the graph's own tensor names in the order of the spec, and the sentence that says why."""

    spec: ModelSpec
    input_name: str
    output_names: tuple[str, ...]
    reason: str


Dims = tuple[int | None, ...]


def recognise(model: onnx.ModelProto, where: Path | None = None) -> Recognition:
    """Recognise the family of `model`; `where` is the file that errors are about.

    Raises `InputError` with the shapes that were found when the graph is none of the known face models.
    """
    try:
        return _recognise(model)
    except InputError as error:
        raise InputError(error.what, where=where, remedy=error.remedy) from error


def _recognise(model: onnx.ModelProto) -> Recognition:
    raw = next((entry.value for entry in model.metadata_props if entry.key == RAW_INPUT), None)
    if raw is None:
        return _as_family(model)
    if raw not in _RAW_FLOAT_IMAGES:
        raise InputError(
            f"takes raw pixels ({raw}), normalisation is part of this graph",
            remedy="Only prove takes it; give the others the graph from before it was folded in",
        )
    found = _as_family(model)
    image = replace(found.spec.input, mean=0.0, std=1.0, colour=_RAW_FLOAT_IMAGES[raw])
    return replace(found, spec=replace(found.spec, input=image), reason=f"{found.reason}, fed with raw pixels ({raw})")


def _as_family(model: onnx.ModelProto) -> Recognition:
    if model.graph.sparse_initializer:
        name = model.graph.sparse_initializer[0].values.name
        raise InputError(f"weight '{name}' is sparse", remedy="Store it dense: no known face model has sparse weights")
    image = _image_input(model)
    outputs = _declared_outputs(model)
    name, dims = image
    found = (
        f"input '{name}' {_show(dims)}, {len(outputs)} output(s) {', '.join(_show(shape) for _, shape in outputs[:3])}"
    )
    recognition = (
        _as_scrfd(name, outputs) or _as_adaface(name, dims, outputs) or _as_single_output(model, name, dims, outputs)
    )
    if recognition is None:
        raise InputError(
            f"no known face model: {found}",
            remedy="Known are SCRFD detectors, ArcFace-like embedders, AdaFace, 2d106det, 1k3d68 and genderage",
        )
    return recognition


def _image_input(model: onnx.ModelProto) -> tuple[str, Dims]:
    initialisers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initialisers]
    if len(inputs) != 1:
        raise InputError(
            f"no known face model: {len(inputs)} inputs where one image is expected",
            remedy="Give the network itself, not a pipeline around it",
        )
    dims = _dims(inputs[0])
    if len(dims) != 4 or dims[1] not in (3, None):
        raise InputError(
            f"no known face model: input '{inputs[0].name}' is {_show(dims)}, expected [N, 3, H, W]",
            remedy="Known models take one NCHW image",
        )
    if inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        kind = onnx.TensorProto.DataType.Name(inputs[0].type.tensor_type.elem_type)
        raise InputError(f"input '{inputs[0].name}' is of type {kind}", remedy="Known models take float32 images")
    return inputs[0].name, dims


def _declared_outputs(model: onnx.ModelProto) -> list[tuple[str, Dims]]:
    declared = [(value.name, _dims(value)) for value in model.graph.output]
    if all(shape and shape[-1] for _, shape in declared):
        return declared
    inferred = onnx.shape_inference.infer_shapes(model)
    return [(value.name, _dims(value)) for value in inferred.graph.output]


def _as_scrfd(input_name: str, outputs: list[tuple[str, Dims]]) -> Recognition | None:
    """6 or 9 outputs of 3 levels, 10 or 15 of 5 levels, rank 2 or 3, with 1, 4 (and 10) channels."""
    if len(outputs) not in _SCRFD_LAYOUTS or any(len(shape) not in (2, 3) for _, shape in outputs):
        return None
    strides, anchors = _SCRFD_LAYOUTS[len(outputs)]
    keypoints = len(outputs) // len(strides) == 3
    ordered: list[str] = []
    for kind in ("score", "bbox", "kps") if keypoints else ("score", "bbox"):
        level = [(name, shape) for name, shape in outputs if shape[-1] == families.SCRFD_CHANNELS[kind]]
        if len(level) != len(strides):
            return None
        ordered += [name for name, _ in _finest_level_first(level)]
    return Recognition(
        spec=families.scrfd(keypoints=keypoints, strides=strides, anchors_per_cell=anchors),
        input_name=input_name,
        output_names=tuple(ordered),
        reason=f"{len(outputs)} outputs with {'1, 4, 10' if keypoints else '1, 4'} channels on {len(strides)} levels: "
        f"an SCRFD detector {'with' if keypoints else 'without'} landmarks",
    )


def _finest_level_first(level: list[tuple[str, Dims]]) -> list[tuple[str, Dims]]:
    """Sort by falling number of rows where they are declared; otherwise trust the order that all exporters share."""
    rows = [shape[-2] for _, shape in level]
    if all(rows):
        return sorted(level, key=lambda output: -(output[1][-2] or 0))
    return level


def _as_adaface(input_name: str, dims: Dims, outputs: list[tuple[str, Dims]]) -> Recognition | None:
    """One 112x112 crop to an embedding and one number. That it wants BGR no graph shows: the family is known for it."""
    if dims[2:] != (112, 112) or len(outputs) != 2 or any(len(shape) != 2 for _, shape in outputs):
        return None
    (embedding, shape), (norm, norm_shape) = outputs
    channels = shape[-1] or 0
    if norm_shape[-1] != 1 or not _SMALLEST_EMBEDDING <= channels <= _LARGEST_EMBEDDING:
        return None
    reason = f"one 112x112 image to {channels} values and their length: an AdaFace embedder, which takes BGR"
    return Recognition(families.adaface(embedding=channels), input_name, (embedding, norm), reason)


def _as_single_output(
    model: onnx.ModelProto, input_name: str, dims: Dims, outputs: list[tuple[str, Dims]]
) -> Recognition | None:
    size, width = dims[2:]
    if len(outputs) != 1 or size is None or size != width:
        return None
    output, shape = outputs[0]
    channels = shape[-1] if len(shape) == 2 else None
    if channels is None:
        return None
    found = _one_face_family([node.name for node in model.graph.node], size, channels)
    if found is None:
        return None
    spec, what = found
    where = "inside the graph" if spec.input.std == 1.0 else "outside the graph"
    return Recognition(
        spec, input_name, (output,), f"one {size}x{size} image to {channels} values: {what}, normalised {where}"
    )


def _one_face_family(names: Sequence[str], size: int, channels: int) -> tuple[ModelSpec, str] | None:
    """The family of a network from a square of `size` pixels to so many values, and what to call it."""
    inside = names_tell_normalisation(names)
    inside_or_first = inside or _NORMALISING_NORM in names[:_NORM_NODES]
    if size == 192 and channels in families.LANDMARK_LAYOUTS:
        spec = families.landmarks(size=size, channels=channels, normalised_in_graph=inside_or_first)
        return spec, "a landmark network"
    if size == 96 and channels == _GENDERAGE_CHANNELS:
        return families.genderage(size=size, normalised_in_graph=inside_or_first), "the gender and age network"
    if size >= 112 and size % 16 == 0 and _SMALLEST_EMBEDDING <= channels <= _LARGEST_EMBEDDING:
        spec = families.arcface(size=size, embedding=channels, normalised_in_graph=inside)
        return spec, "an ArcFace-like embedder"
    return None


def names_tell_normalisation(names: Iterable[str]) -> bool:
    """Tell by insightface's own rule: names Sub... or _minus..., and Mul... or _mul..., among the first eight nodes."""
    first = list(itertools.islice(names, _NORMALISATION_NODES))
    return any(name.startswith(("Sub", "_minus")) for name in first) and any(
        name.startswith(("Mul", "_mul")) for name in first
    )


def _dims(value: onnx.ValueInfoProto) -> Dims:
    """Declared dimensions; None for a symbol, for nothing at all, and for the 0 and -1 that some exporters write."""
    return tuple(dim.dim_value if dim.dim_value > 0 else None for dim in value.type.tensor_type.shape.dim)


def _show(dims: Dims) -> str:
    return "[" + ", ".join("?" if dim is None else str(dim) for dim in dims) + "]"
