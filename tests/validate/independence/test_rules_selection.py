"""Operators that pick, place, mask, sort and list: by channel or space they are safe, by frame they are not."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from tests.validate.independence.rule_cases import Case, misfiles, mixes, undecided
from tests.validate.independence.small_graphs import node, weights

_INDICES = node("ArgMax", "image", "i", axis=1, keepdims=1)
_PLAIN_INDICES = node("ArgMax", "image", "i", axis=1, keepdims=0)
_FIRST = {"zero": [0], "one": [1], "axis": [1]}
_UPDATES = node("Slice", "image zero one axis", "u")
_CHANNELS_FIRST = node("Transpose", "image", "x", perm=[1, 0, 2, 3])
_FLAT = node("Flatten", "image", "x")
_KEPT = np.array([True, False, True])

SELECTION: dict[str, Case] = {
    "one hot channels": Case([_PLAIN_INDICES, node("OneHot", "i d v", axis=1)], {"d": 4, "v": [0.0, 1.0]}),
    "one hot before the batch": misfiles([_PLAIN_INDICES, node("OneHot", "i d v", axis=0)], {"d": 4, "v": [0.0, 1.0]}),
    "one hot as deep as the batch": undecided(
        [_PLAIN_INDICES, node("Shape", "image", "d", end=1), node("OneHot", "i d v", axis=1),],
        {"v": [0.0, 1.0]},
    ),
    "triangle of space": Case([node("Trilu", "image", upper=0)]),
    "triangle of the batch": mixes([_FLAT, node("Trilu", "x")]),
    "unit matrix of space": Case(
        [node("EyeLike", "square", "e"), node("MatMul", "image e")], {"square": weights(8, 8)}
    ),
    "unit matrix of the batch": undecided([_FLAT, node("EyeLike", "x", "e"), node("Add", "x e")]),
    "scattered channels": Case([_INDICES, _UPDATES, node("ScatterElements", "image i u", axis=1)], _FIRST),
    "scattered frames": mixes([_INDICES, _UPDATES, node("ScatterElements", "image i u", axis=0)], _FIRST),
    "scattered channels before opset 11": Case(
        [_INDICES, node("Slice", "image", "u", starts=[0], ends=[1], axes=[1]), node("Scatter", "image i u", axis=1)],
        opset=9,
    ),
    "scattered frames before opset 11": mixes(
        [_INDICES, node("Slice", "image", "u", starts=[0], ends=[1], axes=[1]), node("Scatter", "image i u", axis=0)],
        opset=9,
    ),
    "written channels": Case(
        [_CHANNELS_FIRST, node("Gather", "x first", "u"), node("ScatterND", "x i u", "y"),
         node("Transpose", "y", perm=[1, 0, 2, 3])],
        {"first": [2, 0], "i": [[1], [3]]},
    ),
    "written frames": undecided([node("ScatterND", "image i u")], {"i": [[0]], "u": weights(1, 4, 6, 8)}),
    "frames written to numbered channels": misfiles(
        [node("ScatterND", "c i image")], {"c": weights(4, 4, 6, 8), "i": [[0], [1], [2]]}
    ),
    "gathered tuples of channels": Case(
        [_CHANNELS_FIRST, node("GatherND", "x i", "y"), node("Transpose", "y", perm=[1, 0, 2, 3])], {"i": [[3], [1]]}
    ),
    "gathered tuples of frames": mixes([node("GatherND", "image i")], {"i": [[0], [0]]}),
    "unique values": mixes([node("Unique", "image")]),
    "unique values of a constant": undecided([node("Unique", "c")], {"c": weights(4)}),
    "channels compressed by a constant": Case([node("Compress", "image c", axis=1)], {"c": _KEPT}),
    "frames compressed by a constant": mixes([node("Compress", "image c", axis=0)], {"c": _KEPT[:2]}),
    "all compressed by a constant": mixes([node("Compress", "image c")], {"c": _KEPT}),
    "frames compressed by content": mixes(
        [node("ReduceMax", "image axes", "m", keepdims=0), node("Greater", "m level", "c"),
         node("Compress", "image c", axis=0)],
        {"axes": [1, 2, 3], "level": np.float32(2.6)},
    ),
    "suppressed boxes": mixes(
        [node("Reshape", "image t", "boxes"), node("ReduceSum", "boxes axis", "s", keepdims=0),
         node("Unsqueeze", "s axis", "scores"), node("NonMaxSuppression", "boxes scores limit", "o"),
         node("Cast", "o", to=TensorProto.FLOAT)],
        {"t": [0, -1, 4], "axis": [1], "limit": np.array([3], np.int64)},
        runs=False,
    ),
    "numbers of what is not zero": mixes([node("NonZero", "image", "i"), node("Cast", "i", to=TensorProto.FLOAT)]),
    "counted as before opset 11": Case(
        [node("NonZero", "ones", "r"), node("Cast", "r", "f", to=TensorProto.FLOAT), node("Add", "image f")],
        {"ones": np.ones(8, np.int64)},
        opset=9,
    ),
    "numbers of frames": undecided(
        [node("Shape", "image", "s"), node("ConstantOfShape", "s", "o"), node("NonZero", "o", "i"),
         node("Cast", "i", to=TensorProto.FLOAT)],
    ),
    "top channels": Case([node("TopK", "image k", "out i", axis=1)], {"k": [2]}),
    "top channels before opset 10": Case([node("TopK", "image", "out i", axis=1, k=2)], opset=9),
    "top frames": mixes([node("TopK", "image k", "v i", axis=0), node("Sub", "image v")], {"k": [1]}),
    "as many channels as frames": undecided(
        [node("Shape", "image", "k", end=1), node("TopK", "image k", "out i", axis=1)]
    ),
    "sampled by the frame's own grid": Case(
        [node("Slice", "image zero two axis", "s"), node("Transpose", "s", "g", perm=[0, 2, 3, 1]),
         node("GridSample", "image g")],
        {**_FIRST, "two": [2]},
    ),
    "sampled by a grid of one": misfiles([node("GridSample", "image g")], {"g": weights(1, 3, 3, 2)}),
    "sampled batch": mixes([_CHANNELS_FIRST, node("GridSample", "x g")], {"g": weights(4, 3, 3, 2)}),
    "smallest channel": Case([node("ArgMin", "image", "i", axis=1), node("Cast", "i", to=TensorProto.FLOAT)]),
    "smallest frame": mixes([node("ArgMin", "image", "i", axis=0), node("Cast", "i", to=TensorProto.FLOAT)]),
}  # fmt: skip


@pytest.mark.parametrize("name", SELECTION)
def test_a_selection(name: str) -> None:
    SELECTION[name].check()
