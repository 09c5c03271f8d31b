"""Operators on space that are no windows: Pad, Resize, rearrangement, sampling."""

from __future__ import annotations

from collections.abc import Sequence

from batchproof.validate.independence.broadcasting import common_place, repeats
from batchproof.validate.independence.call import Call, changed, from_front, show
from batchproof.validate.independence.domain import mixed, pinned, unknown
from batchproof.validate.independence.polynomial import ONE, ZERO, Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Dims, Place, Tensor


@rule("Pad")
def pad(call: Call) -> Result:
    """Nothing may be added along, or cut from, the axis that holds the batch."""
    data = call.operand(0)
    rank = len(data.dims)
    pads = _pads(call)
    axes = [from_front(axis, rank) for axis in call.wholes(3)] if call.has(3) else list(range(rank))
    if any(amount.batch for amount in pads) or len(pads) != 2 * len(axes):
        raise unknown("how much it pads depends on the size of the batch")
    call.parameters(2)
    place, dims = call.place(data), data.dims
    for index, axis in enumerate(axes):
        before, after = pads[index], pads[index + len(axes)]
        if place is not None and axis == place.axis and (before, after) != (ZERO, ZERO):
            raise mixed(f"it pads axis {axis} of {show(data.dims)}, which holds the batch, so that rows move")
        dims = changed(dims, axis, dims[axis] + before + after)
    return call.settle(dims, place)


def _pads(call: Call) -> list[Poly]:
    given = call.integers("pads") or call.integers("paddings")
    return call.polys(1) if given is None else [Poly.of(amount) for amount in given]


@rule("Resize", "Upsample")
def resize(call: Call) -> Result:
    """With scale 1, or the length N for N, along the batch's axis; every interpolation is then the identity there."""
    data = call.operand(0)
    axes = _resized_axes(call, len(data.dims))
    _plain(call)
    place, dims = call.place(data), data.dims
    sizes, scales = _sizes(call), _scales(call)
    for index, axis in enumerate(axes):
        target = sizes[index] if sizes is not None else _scaled(call, data.dims[axis], scales[index])
        if place is not None and axis == place.axis:
            _keeps_batch(data.dims, axis, target)
        dims = changed(dims, axis, target)
    return call.settle(dims, place)


def _resized_axes(call: Call, rank: int) -> list[int]:
    axes = call.integers("axes")
    return list(range(rank)) if axes is None else [from_front(axis, rank) for axis in axes]


def _plain(call: Call) -> None:
    if call.string("coordinate_transformation_mode", "") == "tf_crop_and_resize":
        raise unknown("with tf_crop_and_resize it crops, the batch included")
    if call.string("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise unknown("its keep_aspect_ratio_policy ties the length of one axis to the others")


def _sizes(call: Call) -> list[Poly] | None:
    tensor = call.operand(3) if call.has(3) else None
    return None if tensor is None or tensor.shape == (ZERO,) else call.polys(3)


def _scales(call: Call) -> list[Poly]:
    if _sizes(call) is not None:
        return []
    given = call.attributes.get("scales")
    if given is not None:
        return [Poly.of(round(scale)) if float(scale).is_integer() else ZERO for scale in given]
    index = 1 if call.node.op_type == "Upsample" or call.opset < 11 else 2
    tensor = call.operand(index)
    return call.polys(index) if tensor.value is not None else [ZERO] * (tensor.dims[0].whole or 0)


def _scaled(call: Call, dim: Poly, scale: Poly) -> Poly:
    """floor(dim * scale) for whole scales; what is not known stays open."""
    if scale.whole is not None and scale.whole > 0:
        return dim * scale
    # An own symbol for each node: how a fraction is rounded is the runtime's business.
    return call.symbols.fresh("scaled", dim)


def _keeps_batch(dims: Dims, axis: int, target: Poly) -> None:
    if target == dims[axis]:
        return
    if target.whole is not None:
        raise pinned(
            f"its size for axis {axis} of {show(dims)}, which holds the batch, is the constant {target}: "
            "it keeps the first frame and drops the others"
            if target == ONE
            else f"its size for axis {axis} of {show(dims)}, which holds the batch, is the constant {target}"
        )
    raise mixed(f"it resizes axis {axis} of {show(dims)}, which holds the batch, to {target}")


@rule("DepthToSpace", "SpaceToDepth")
def rearrange(call: Call) -> Result:
    """Moves blocks between channels and space of one index of axis 0."""
    data = call.operand(0)
    place = call.keeps_apart(data, [1, 2, 3], "moves blocks")
    block = Poly.of(call.integer("blocksize", 1))
    batch, channels, height, width = data.dims
    if call.node.op_type == "DepthToSpace":
        channels = call.symbols.quotient(channels, block * block)
        return call.settle((batch, channels, height * block, width * block), place)
    height, width = call.symbols.quotient(height, block), call.symbols.quotient(width, block)
    return call.settle((batch, channels * block * block, height, width), place)


@rule("GridSample")
def grid_sample(call: Call) -> Result:
    """Samples space of one index of axis 0 at the points of the grid of the same index."""
    data, grid = call.operand(0), call.operand(1)
    place = common_place([_first_axis(call, tensor) for tensor in (data, grid)])
    if place is not None:
        length = place.outer * call.symbols.batch * place.inner
        _aligned((data, grid), length)
        return call.settle((length, data.dims[1], *grid.dims[1:-1]), place)
    return call.settle((data.dims[0], data.dims[1], *grid.dims[1:-1]), None)


def _first_axis(call: Call, tensor: Tensor) -> Place | None:
    return call.keeps_apart(tensor, range(1, len(tensor.dims)), "samples")


def _aligned(tensors: Sequence[Tensor], length: Poly) -> None:
    for tensor in tensors:
        repeats(tensor, 0, length, stretch=False)
