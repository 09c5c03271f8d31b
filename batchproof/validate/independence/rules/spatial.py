"""Operators on space that are no windows: Pad, Resize, rearrangement, sampling."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

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
    given = call.integers("pads")
    return call.polys(1) if given is None else [Poly.of(amount) for amount in given]


@rule("Resize", "Upsample")
def resize(call: Call) -> Result:
    """With scale 1, or the length N for N, along the batch's axis, which must be left out of the interpolation."""
    data = call.operand(0)
    axes = _resized_axes(call, len(data.dims))
    _plain(call)
    place, dims = call.place(data), data.dims
    if place is not None:
        _leaves_out(call, place.axis, len(dims))
    for axis, target in zip(axes, _targets(call, [dims[axis] for axis in axes]), strict=True):
        if place is not None and axis == place.axis:
            _keeps_batch(data.dims, axis, target)
        dims = changed(dims, axis, target)
    return call.settle(dims, place)


def _targets(call: Call, lengths: Sequence[Poly]) -> list[Poly]:
    sizes = _sizes(call)
    if sizes is not None:
        return sizes
    return [_scaled(call, length, scale) for length, scale in zip(lengths, _scales(call, len(lengths)), strict=True)]


def _resized_axes(call: Call, rank: int) -> list[int]:
    axes = call.integers("axes")
    return list(range(rank)) if axes is None else [from_front(axis, rank) for axis in axes]


def _plain(call: Call) -> None:
    if call.string("coordinate_transformation_mode", "") == "tf_crop_and_resize":
        raise unknown("with tf_crop_and_resize it crops, the batch included")
    if call.string("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise unknown("its keep_aspect_ratio_policy ties the length of one axis to the others")


def _leaves_out(call: Call, axis: int, rank: int) -> None:
    """Interpolation along the batch is the identity at scale 1, unless a neighbour is not finite: 0 * NaN is NaN.

    Runtimes interpolate along all axes of a tensor of rank 3 or less, and leave out the first of any other.
    """
    half = call.string("coordinate_transformation_mode", "half_pixel") == "tf_half_pixel_for_nn"
    if call.string("mode", "nearest") == "nearest":
        if half and "ceil" in call.string("nearest_mode", "round_prefer_floor"):
            raise unknown("with tf_half_pixel_for_nn it rounds half a row up, to the next frame")
    elif axis != 0 or rank < 4:
        raise unknown(f"it may interpolate along axis {axis}, which holds the batch: a frame with NaN spoils the next")


def _sizes(call: Call) -> list[Poly] | None:
    tensor = call.operand(3) if call.has(3) else None
    return None if tensor is None or tensor.shape == (ZERO,) else call.polys(3)


def _scales(call: Call, axes: int) -> Sequence[Poly | None]:
    """None for each scale that cannot be followed."""
    given = call.attributes.get("scales")
    if given is not None:
        return [Poly.of(Fraction(scale)) for scale in given]
    index = 1 if call.node.op_type == "Upsample" or call.opset < 11 else 2
    call.parameters(index)
    return [None] * axes if call.operand(index).value is None else call.polys(index)


def _scaled(call: Call, dim: Poly, scale: Poly | None) -> Poly:
    """floor(dim * scale) for whole scales; what is not known stays open, but for the batch."""
    if scale is not None and scale.whole is not None:
        return dim * scale
    if scale is None and dim.batch:
        raise unknown(f"its scale for an axis of length {dim}, which holds the batch, cannot be followed")
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
