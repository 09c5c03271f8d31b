"""Normalisations, reductions, pools, recurrent layers and attention: within frames, and across them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.validate.independence.rule_cases import Case, misfiles, mixes, undecided
from tests.validate.independence.small_graphs import node, weights

_CHANNELS_FIRST = node("Transpose", "image", "x", perm=[1, 0, 2, 3])
_BATCH_IN_SPACE = node("Transpose", "image", "x", perm=[1, 2, 0, 3])
_ONES = {length: np.ones(length, np.float32) for length in (2, 4, 8)}
_ONE = {"o": np.ones(1, np.float32)}
_TOKENS, _TIME = node("Reshape", "image t", "x"), node("Transpose", "x", "y", perm=[1, 0, 2])
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]


def _cell(op: str) -> dict[str, Any]:
    return {"t": [0, -1, 8], "w": weights(1, 3 * _GATES[op], 8), "r": weights(1, 3 * _GATES[op], 3), "zero": [0]}


def _recurrent(op: str) -> dict[str, Case]:
    last = node("Squeeze", "h zero")
    run, start = {"hidden_size": 3}, "-  -"
    started = [
        node("ReduceMean", "x one", "m"),
        node("Slice", "m zero three two", "s"),
        node("Transpose", "s", "h0", perm=[1, 0, 2]),
    ]
    return {
        f"{op} over tokens": Case([_TOKENS, _TIME, node(op, "y w r", "a h", **run), last], _cell(op)),
        f"{op} with a state for each frame": Case(
            [_TOKENS, _TIME, *started, node(op, f"y w r {start} h0", "a h", **run), last],
            {**_cell(op), "one": [1], "two": [2], "three": [3]},
        ),
        f"{op} over frames": mixes([_TOKENS, node(op, "x w r", "a h", **run), last], _cell(op)),
        f"{op} with the batch first": undecided(
            [_TOKENS, node(op, "x w r", "a h", layout=1, **run), node("Squeeze", "h axis")],
            {**_cell(op), "axis": [1]},
            runs=False,
        ),
    }


def _reduction(op: str) -> dict[str, Case]:
    positive = node("Abs", "image", "x")
    return {
        f"{op} of space": Case([positive, node(f"Reduce{op}", "x a", keepdims=0)], {"a": [2, 3]}),
        f"{op} of the batch": mixes([positive, node(f"Reduce{op}", "x a", "r"), node("Sub", "x r")], {"a": [0]}),
    }


def _pool(op: str, **window: Any) -> dict[str, Case]:
    return {
        f"{op} of space": Case([node(op, "image", **window)]),
        f"{op} of the batch": mixes([_BATCH_IN_SPACE, node(op, "x", **window)]),
    }


def _along_axis(op: str) -> dict[str, Case]:
    return {
        f"{op} of channels": Case([node(op, "image", axis=1)]),
        f"{op} of the batch": mixes([node(op, "image", axis=0)]),
    }


def _attention(heads: str, masks: bool = False, **attributes: Any) -> Case:
    """`heads`: the shape of the tokens, `[N, heads, length, head]` or `[N, length, heads * head]`."""
    target = {"4": [0, 2, 12, 8], "3": [0, 24, 8]}[heads]
    return Case(
        [_TOKENS, node("Attention", "x x x m" if masks else "x x x", **attributes)],
        {"t": target, "m": weights(12, 12)},
        opset=23,
    )


LAYERS: dict[str, Case] = {
    "group norm": Case([node("GroupNormalization", "image o o", num_groups=2)], {"o": _ONES[2]}),
    "group norm, one scale a channel": Case(
        [node("GroupNormalization", "image o o", num_groups=2)], {"o": _ONES[4]}, opset=21
    ),
    "group norm of the batch": mixes([_CHANNELS_FIRST, node("GroupNormalization", "x o o", num_groups=1)], _ONE),
    "rms norm": Case([node("RMSNormalization", "image o")], {"o": _ONES[8]}, opset=23),
    "rms norm of the batch": mixes(
        [node("Transpose", "image", "x", perm=[1, 2, 3, 0]), node("RMSNormalization", "x o")], _ONE, opset=23
    ),
    "instance norm of the batch": mixes(
        [node("Unsqueeze", "image one", "u"), node("Reshape", "u t", "x"), node("Transpose", "x", "y", perm=[1, 2, 0]),
         node("InstanceNormalization", "y o o")],
        {"one": [1], "t": [0, 1, -1], **_ONE},
        runs=False,
    ),
    **{name: case for op in _REDUCTIONS for name, case in _reduction(op).items()},
    **{name: case for op in ("Softmax", "LogSoftmax", "Hardmax") for name, case in _along_axis(op).items()},
    **_pool("AveragePool", kernel_shape=[2, 2]),
    **_pool("LpPool", kernel_shape=[2, 2]),
    **_pool("MaxPool", kernel_shape=[2, 2]),
    **_pool("GlobalAveragePool"),
    **_pool("GlobalLpPool"),
    **_pool("GlobalMaxPool"),
    **{name: case for op in _GATES for name, case in _recurrent(op).items()},
    "product so far over space": Case([node("CumProd", "image a")], {"a": 2}, opset=26, runs=False),
    "product so far over frames": mixes([node("CumProd", "image a")], {"a": 0}, opset=26, runs=False),
    "attention of heads": _attention("4"),
    "attention of packed heads": _attention("3", q_num_heads=2, kv_num_heads=2),
    "causal attention": _attention("4", is_causal=1),
    "masked attention": _attention("4", masks=True),
    "attention over frames": mixes(
        [_TOKENS, _TIME, node("Attention", "y y y", q_num_heads=2, kv_num_heads=2)], {"t": [0, 24, 8]}, opset=23
    ),
    "attention to constant tokens": misfiles(
        [_TOKENS, node("Attention", "x c c")], {"t": [0, 2, 12, 8], "c": weights(1, 2, 5, 8)}, opset=23
    ),
    "attention to repeated tokens": Case(
        [_TOKENS, node("Shape", "image", "n", end=1), node("Concat", "n rest", "s", axis=0),
         node("Expand", "c s", "k"), node("Attention", "x k k")],
        {"t": [0, 2, 12, 8], "rest": [2, 5, 8], "c": weights(1, 2, 5, 8)}, opset=23,
    ),
    "attention with the frame's own mask": Case(
        [_TOKENS, node("Slice", "x zero eight last", "s"), node("ReduceMean", "s one", "m"),
         node("Attention", "x x x m")],
        {"t": [0, 2, 8, 12], "zero": [0], "eight": [8], "last": [3], "one": [1]}, opset=23,
    ),
    "attention with a mask across frames": mixes(
        [_TOKENS, node("ReduceMean", "x a", "m", keepdims=0), node("Attention", "x x x m")],
        {"t": [0, 2, 8, 12], "a": [1, 2]}, opset=23,
    ),
    "attention with a past": undecided(
        [_TOKENS, node("Attention", "x x x - x x", "out k v")], {"t": [0, 2, 12, 8]}, opset=23
    ),
    "einsum of a frame": Case([node("Einsum", "image image", equation="nchw,ncxw->nchx")]),
    "einsum of frames": mixes([node("Einsum", "image image", equation="nchw,mchw->nm")]),
    "einsum with an ellipsis": undecided([node("Einsum", "image", equation="...hw->...wh")]),
    "upsampled": Case([node("Upsample", "image s")], {"s": np.array([1, 1, 2, 2], np.float32)}, opset=9),
    "upsampled batch": mixes([node("Upsample", "image s")], {"s": np.array([2, 1, 1, 1], np.float32)}, opset=9),
    "reshape to a computed size": Case(
        [node("Size", "image", "a"), node("Div", "a frame", "n"), node("Unsqueeze", "n zero", "b"),
         node("Concat", "b rest", "t", axis=0), node("Reshape", "image t")],
        {"frame": 192, "zero": [0], "rest": [192]},
    ),
    "times the number of pixels": undecided(
        [node("Size", "image", "a"), node("Cast", "a", "f", to=1), node("Mul", "image f")]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(name: str) -> None:
    LAYERS[name].check()
