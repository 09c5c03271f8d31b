"""Steps on space that are no windows."""

from __future__ import annotations

import numpy as np

from tests.validate.independence.random_graphs.builder import Array, Builder, step


@step("Pad")
def pad(b: Builder) -> None:
    source = b.tensor()
    rank, axis = b.rank(source), b.axis(source)
    mode = b.pick(["constant", "edge", "reflect"])
    pads = [int(index in (axis, axis + rank)) for index in range(2 * rank)]
    widths = [(int(index == axis), int(index == axis)) for index in range(rank)]
    if mode != "reflect" or min(b.shape(source, 2)[axis], b.shape(source)[axis]) > 1:
        b.offer(b.node("Pad", source, b.ints(pads), mode=mode), lambda x: np.pad(x, widths), source)


@step("Resize")
def resize(b: Builder) -> None:
    source = b.tensor()
    axis, mode = b.axis(source), b.pick(["nearest", "nearest", "linear"])
    scales = [2.0 if index == axis else 1.0 for index in range(b.rank(source))]
    settings = {"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if mode == "linear" and (b.rank(source) > 3 and axis < 2):  # which ONNX Runtime does not have
        return
    node = b.node("Resize", source, b.floats([]), b.floats(scales), **settings)
    b.offer(node, lambda x: np.repeat(x, 2, axis), source)


@step("DepthToSpace", "SpaceToDepth")
def rearrange(b: Builder) -> None:
    source = b.tensor()
    if b.rank(source) != 4:
        return
    if b.integer(0, 1):
        b.offer(b.node("SpaceToDepth", source, blocksize=2), _to_depth, source)
    else:
        b.offer(b.node("DepthToSpace", source, blocksize=2, mode=b.pick(["DCR", "CRD"])), _to_space, source)


def _to_depth(x: Array) -> Array:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).reshape(n, c * 4, h // 2, w // 2)


def _to_space(x: Array) -> Array:
    n, c, h, w = x.shape
    return x.reshape(n, c // 4, 4, h, w).reshape(n, c // 4, h * 2, w * 2)


@step("GridSample")
def grid_sample(b: Builder) -> None:
    """Points of the grid are the first two numbers of each channel-last row."""
    source = b.tensor()
    shape = b.shape(source)
    if b.opset < 16 or len(shape) != 4 or shape[1] < 2:
        return
    points = b.node("Slice", source, b.ints([0]), b.ints([2]), b.ints([1]))
    grid = b.node("Transpose", points, perm=[0, 2, 3, 1])
    b.offer(b.node("GridSample", source, grid), lambda x: x, source)
