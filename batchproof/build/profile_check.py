"""Whether a graph can be built for its profiles: asked before a builder is, whose sentences name no profile."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from batchproof.build.activation_memory import peak_activation_bytes
from batchproof.errors import StepFailedError
from batchproof.profile import EngineProfiles, Profile, Shape
from batchproof.zoo.spec import ModelSpec

_RUN_SURGERY = "Run surgery first, which makes the batch dynamic"


def check_profiles(
    graph: onnx.ModelProto, profiles: EngineProfiles, spec: ModelSpec, *, activation_bytes: float
) -> None:
    """Raise `StepFailedError` for a profile outside the graph's fixed dims, or in need of more than `activation_bytes`.

    The figure is a lower bound: the activations alive at once at the profile's maximum, without weights and workspaces.
    Raises `InputError` when an image size does not suit the model.
    """
    for profile in profiles:
        shapes = profile.input_shapes(spec)
        for shape in (shapes.minimum, shapes.optimum, shapes.maximum):
            _require_room(graph, shape, profile)
        _require_memory(graph, shapes.maximum, profile, activation_bytes)


def _require_room(graph: onnx.ModelProto, shape: Shape, profile: Profile) -> None:
    image = _image_input(graph)
    dims = [dim.dim_value for dim in image.type.tensor_type.shape.dim]  # 0: free
    if len(dims) == len(shape) and all(dim in (0, asked) for dim, asked in zip(dims, shape, strict=True)):
        return
    shown = ", ".join(str(dim or "?") for dim in dims)
    raise StepFailedError(
        f"input '{image.name}' is [{shown}] in the graph, but profile {profile.text} asks for {list(shape)}",
        remedy=_remedy(dims, shape),
    )


def _image_input(graph: onnx.ModelProto) -> onnx.ValueInfoProto:
    """Return the one input that is no weight; the family would not have been recognised otherwise."""
    weights = {tensor.name for tensor in graph.graph.initializer}
    image: onnx.ValueInfoProto = next(value for value in graph.graph.input if value.name not in weights)
    return image


def _remedy(dims: Sequence[int], shape: Shape) -> str:
    if len(dims) != len(shape) or dims[0] not in (0, shape[0]):
        return _RUN_SURGERY
    height, width = (dim or asked for dim, asked in zip(dims[2:], shape[2:], strict=True))
    return f"Write the profile with @{height}x{width}, or export the model with a free image size"


def _require_memory(graph: onnx.ModelProto, shape: Shape, profile: Profile, limit: float) -> None:
    needed = peak_activation_bytes(graph, shape)
    if needed > limit:
        batch, _, height, width = shape
        raise StepFailedError(
            f"batch {batch} at {height}x{width} of profile {profile.text} needs at least {needed / 1e9:.1f} GB for "
            f"activations, the limit is {limit / 1e9:.1f} GB",
            remedy="Choose a smaller maximum, or raise activation_bytes in [build] of the policy",
        )
