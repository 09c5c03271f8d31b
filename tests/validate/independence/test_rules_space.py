"""Convolutions, rearrangements, affine layers and clipping: on the frames' own axes, and on the batch's."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from tests.validate.independence.rule_cases import Case, misfiles, mixes, undecided
from tests.validate.independence.small_graphs import node, weights

_CHANNELS_FIRST = node("Transpose", "image", "x", perm=[1, 0, 2, 3])
_BATCH_LAST = node("Transpose", "image", "x", perm=[1, 2, 3, 0])
_ROWS, _FLAT = node("Reshape", "image t", "x"), node("Flatten", "image", "x")
_LIMITS = {"low": np.float32(-1), "high": np.float32(1)}
_ONE = {"o": np.ones(1, np.float32)}

SPACE: dict[str, Case] = {
    "conv over frames": mixes([_CHANNELS_FIRST, node("Conv", "x w")], {"w": weights(2, 1, 3, 3)}),
    "transposed conv over frames": mixes([_CHANNELS_FIRST, node("ConvTranspose", "x w")], {"w": weights(1, 2, 3, 3)}),
    "space to depth of frames": mixes([_BATCH_LAST, node("SpaceToDepth", "x", blocksize=2)]),
    "depth to space of frames": mixes([_CHANNELS_FIRST, node("DepthToSpace", "x", blocksize=2)]),
    "resize to one frame": mixes(
        [node("Resize", "image - - s", "x", mode="nearest"), node("Add", "image x")], {"s": [1, 4, 6, 8]}
    ),
    "tiled space": Case([node("Tile", "image r")], {"r": [1, 1, 2, 1]}),
    "tiled batch": misfiles([node("Tile", "image r")], {"r": [2, 1, 1, 1]}),
    "clipped": Case([node("Clip", "image low high")], _LIMITS),
    "clipped rows": misfiles([_ROWS, node("Clip", "x low high")], {**_LIMITS, "t": [-1, 8]}),
    "slope of channels": Case([node("PRelu", "image s")], {"s": weights(4, 1, 1)}),
    "slope of three frames": misfiles([node("PRelu", "image s")], {"s": weights(3, 1, 1, 1)}),
    "frames chosen by other frames": mixes(
        [node("Unsqueeze", "image zero", "a"), node("Unsqueeze", "image one", "b"), node("Greater", "a b", "c"),
         node("Where", "c a b")],
        {"zero": [0], "one": [1]},
    ),
    "fully connected": Case([_FLAT, node("Gemm", "x w b", transB=1)], {"w": weights(5, 192), "b": weights(5)}),
    "fully connected frames": misfiles([_FLAT, node("Gemm", "x w", transA=1)], {"w": weights(3, 5)}),
    "frames times frames": mixes([_FLAT, node("Gemm", "x x", transB=1)]),
    "numbered columns": Case(
        [node("Range", "zero width one", "r"), node("Cast", "r", "f", to=TensorProto.FLOAT), node("Add", "image f")],
        {"zero": 0, "width": 8, "one": 1},
    ),
    "a constant of the file": Case([node("Constant", "", "c", value_floats=[1.0] * 8), node("Mul", "image c")]),
    "a constant as large as content says": undecided(
        [_ROWS, node("Cast", "x", "n", to=TensorProto.INT64), node("ConstantOfShape", "n", "o"),
         node("ReduceSum", "o", "s"), node("Add", "image s")],
        {"t": [-1]},
        runs=False,
    ),
    "response of channels": Case([node("LRN", "image", size=3)]),
    "response of frames": mixes([_CHANNELS_FIRST, node("LRN", "x", size=3)]),
    "mean and variance of space": Case([node("MeanVarianceNormalization", "image", axes=[2, 3])]),
    # ONNX Runtime 1.31 takes each frame's own mean here, whatever the operator's definition says of axis 0.
    "mean and variance of the batch": mixes(
        [node("MeanVarianceNormalization", "image", axes=[0, 2, 3])], runs=False
    ),
    "layer norm of frames": mixes([_BATCH_LAST, node("LayerNormalization", "x o")], _ONE),
    "norm over frames": mixes([node("LpNormalization", "image", axis=0)]),
    "picked from frames": mixes([node("ArgMax", "image", "i", axis=1), node("GatherElements", "image i", axis=0)]),
    "one scale for each of three frames": misfiles(
        [node("QuantizeLinear", "image s z", "q", axis=0), node("DequantizeLinear", "q s z", axis=0)],
        {"s": np.ones(3, np.float32), "z": np.zeros(3, np.uint8)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPACE)
def test_an_operator_on_space(name: str) -> None:
    SPACE[name].check()
