"""The image size that an ONNX file declares, and whether the recovered network can take it."""

from __future__ import annotations

from math import prod
from pathlib import Path

import onnx

from batchproof.errors import InputError
from batchproof.zoo.spec import InputSpec

_CELLS = ((3, 4), (5, 2))  # of a free size, in what it must be a multiple of: H != W, so that swapped axes show
_MOST_PIXELS = 4096 * 4096  # more than any camera's; the widest detector's maps of it still fit into a few GB

Size = tuple[int, int]


def declared_size(model: onnx.ModelProto, input_name: str) -> Size:
    """Return height and width of the image `input_name` `[N, 3, H, W]`; 0 for one that is free."""
    image = next(value for value in model.graph.input if value.name == input_name)
    height, width = (max(dim.dim_value, 0) for dim in image.type.tensor_type.shape.dim[2:])
    return height, width


def require_size(declared: Size, image: InputSpec, where: Path) -> None:
    """Raise `InputError` for a declared size that the network of `image` does not take, or that nobody can compute."""
    shown = f"takes images of {'x'.join(str(size or '?') for size in declared)}"
    step, own = image.multiple_of, (image.height, image.width)
    if any(size % step or size != (fixed or size) for size, fixed in zip(declared, own, strict=True) if size):
        taken = f"multiples of {step}" if image.dynamic_size else "x".join(map(str, own))
        what, remedy = f"{shown} where the network takes {taken}", "Correct the input that the file declares"
        raise InputError(what, where=where, remedy=remedy)
    if prod(declared) > _MOST_PIXELS:
        what, remedy = f"{shown}, more than {_MOST_PIXELS} pixels", "Declare a smaller size, or leave it free"
        raise InputError(what, where=where, remedy=remedy)


def compared_sizes(declared: Size, image: InputSpec) -> tuple[Size, ...]:
    """Return the sizes at which the file and the network are compared: two where the file leaves any free."""
    own = (image.height or declared[0], image.width or declared[1])
    sizes = [[fixed or cells * image.multiple_of for fixed, cells in zip(own, each, strict=True)] for each in _CELLS]
    return tuple(dict.fromkeys((height, width) for height, width in sizes))
