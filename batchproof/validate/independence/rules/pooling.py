"""Windows over space: Conv and its kin, pools. Axis 0 is the batch's, axis 1 the channels."""

from __future__ import annotations

from batchproof.validate.independence.call import Call
from batchproof.validate.independence.domain import unknown
from batchproof.validate.independence.polynomial import ONE, Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Dims, Place, Tensor


@rule("Conv")
def conv(call: Call) -> Result:
    """Sums over channels and space of one index of axis 0."""
    data, weight = call.operand(0), call.operand(1)
    place = _sample(call, data, "convolves")
    call.parameters(1, 2)
    kernel = [_window_length(dim) for dim in weight.dims[2:]]
    return call.settle((data.dims[0], weight.dims[0], *_slid(call, data.dims[2:], kernel)), place)


@rule("ConvTranspose")
def conv_transpose(call: Call) -> Result:
    """As Conv; the sizes of its result are not needed and stay open where they are not given."""
    data, weight = call.operand(0), call.operand(1)
    place = _sample(call, data, "convolves")
    call.parameters(1, 2)
    channels = weight.dims[1] * Poly.of(call.integer("group", 1))
    kernel = [_window_length(dim) for dim in weight.dims[2:]]
    return call.settle((data.dims[0], channels, *_spread(call, data.dims[2:], kernel)), place)


@rule("AveragePool", "LpPool")
def pool(call: Call) -> Result:
    """Statistics over space of one index of axes 0 and 1."""
    data = call.operand(0)
    place = call.keeps_apart(data, range(2, len(data.dims)), "pools")
    return call.settle((*data.dims[:2], *_slid(call, data.dims[2:], call.integers("kernel_shape") or [])), place)


@rule("MaxPool")
def max_pool(call: Call) -> Result:
    """As the other pools; but its indices count through the whole batch, so those of a frame depend on its slot."""
    if any(call.node.output[1:]) and call.operand(0).batched:
        raise unknown("its second output counts through the whole batch, so a frame's indices depend on its slot")
    return pool(call)


@rule("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool")
def global_pool(call: Call) -> Result:
    """Statistics over all of space of one index of axes 0 and 1."""
    data = call.operand(0)
    place = call.keeps_apart(data, range(2, len(data.dims)), "pools")
    return call.settle((*data.dims[:2], *[ONE] * (len(data.dims) - 2)), place)


def _sample(call: Call, data: Tensor, what: str) -> Place | None:
    return call.keeps_apart(data, range(1, len(data.dims)), what)


def _window_length(dim: Poly) -> int:
    if dim.whole is None:
        raise unknown("the size of its kernel is not known")
    return dim.whole


def _slid(call: Call, dims: Dims, kernel: list[int]) -> list[Poly]:
    rank = len(dims)
    strides, dilations = call.integers("strides") or [1] * rank, call.integers("dilations") or [1] * rank
    pads = call.integers("pads") or [0] * 2 * rank
    mode = call.string("auto_pad", "NOTSET")
    result = []
    for axis, dim in enumerate(dims):
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        padding = 0 if mode == "VALID" else pads[axis] + pads[axis + rank]
        if mode.startswith("SAME") and dilations[axis] != 1:
            result.append(call.symbols.fresh("same", dim))
            continue
        span = dim - ONE if mode.startswith("SAME") else dim + Poly.of(padding - reach)
        result.append(_steps(call, span, strides[axis]))
    return result


def _steps(call: Call, span: Poly, stride: int) -> Poly:
    """Count window positions. With ceil_mode runtimes differ about the last one, so an inexact count stays open."""
    exact = span.over(Poly.of(stride))
    if exact is not None:
        return exact + ONE
    if call.flag("ceil_mode"):
        return call.symbols.fresh("ceil", span)
    # In one piece: it is the whole length that is known to be positive.
    return call.symbols.floor_divide(span + Poly.of(stride), stride, positive=True)


def _spread(call: Call, dims: Dims, kernel: list[int]) -> list[Poly]:
    """Stride * (length - 1) + kernel - pads, the common case; anything else stays open."""
    rank = len(dims)
    unusual = {"auto_pad", "output_shape"} & set(call.attributes)
    pads, extra = call.integers("pads") or [0] * 2 * rank, call.integers("output_padding") or [0] * rank
    strides, dilations = call.integers("strides") or [1] * rank, call.integers("dilations") or [1] * rank
    lengths = [
        Poly.of(strides[axis]) * (dim - ONE)
        + Poly.of(extra[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - pads[axis] - pads[axis + rank])
        for axis, dim in enumerate(dims)
    ]
    if unusual:
        return [call.symbols.fresh("spread", dim) for dim in dims]
    return lengths
