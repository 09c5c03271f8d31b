"""Tiny embedders, `[N, 3, H, W]` to the mean of each colour `[N, 3]`: one sound, and one for each defect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

_CONSTANTS = {
    "spatial": np.array([2, 3]),
    "batch": np.array([0]),
    "last": np.array([-1]),
    "before": np.array([-(2**31)]),
    "one": np.array([1]),
    "first": np.array(0),
    "zero": np.float32(0),
    "little": np.float32(1e-3),
    "flat": np.array([1, -1]),
    "minus": np.float32(-10),
    "end": np.array([2**31]),
}


def clean() -> list[NodeProto]:
    """No defect."""
    return [_node("Identity", ["mean"])]


def softmax_over_batch() -> list[NodeProto]:
    """Each colour's values of all pictures compete."""
    return [_node("Softmax", ["mean"], axis=0)]


def mean_over_batch() -> list[NodeProto]:
    """What is common to the batch is subtracted, as batch normalisation in training mode does."""
    return [helper.make_node("ReduceMean", ["mean", "batch"], ["common"]), _node("Sub", ["mean", "common"])]


def flip_over_batch() -> list[NodeProto]:
    """The rows come back in reverse order."""
    return [_node("Slice", ["mean", "last", "before", "batch", "last"])]


def frozen_first_row() -> list[NodeProto]:
    """Every picture gets the answer of the first."""
    return [
        helper.make_node("Gather", ["mean", "first"], ["row"], axis=0),
        helper.make_node("Shape", ["mean"], ["shape"]),
        _node("Expand", ["row", "shape"]),
    ]


def nan_leakage() -> list[NodeProto]:
    """The batch's sum times zero: nothing, unless one picture is not finite."""
    return [
        helper.make_node("ReduceSum", ["mean", "batch"], ["sum"]),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        _node("Add", ["mean", "nothing"]),
    ]


def last_slot_only() -> list[NodeProto]:
    """The first picture leaks into the last row alone."""
    return [
        helper.make_node("Slice", ["mean", "batch", "one", "batch"], ["head"]),
        helper.make_node("Slice", ["mean", "batch", "last", "batch"], ["body"]),
        helper.make_node("Slice", ["mean", "last", "end", "batch"], ["tail"]),
        helper.make_node("Add", ["tail", "head"], ["mixed"]),
        _node("Concat", ["body", "mixed"], axis=0),
    ]


def rounding_by_size() -> list[NodeProto]:
    """Answers change a little with the size of the batch, whatever is in it."""
    return [
        helper.make_node("Shape", ["mean"], ["size"], end=1),
        helper.make_node("Cast", ["size"], ["float_size"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float_size", "little"], ["noise"]),
        _node("Add", ["mean", "noise"]),
    ]


def flattened() -> list[NodeProto]:
    """A Reshape for one picture makes one long row of all."""
    return [_node("Reshape", ["mean", "flat"])]


def not_finite() -> list[NodeProto]:
    """Ordinary pictures give NaN."""
    return [helper.make_node("Add", ["mean", "minus"], ["negative"]), _node("Log", ["negative"])]


def build(tail: Callable[[], Sequence[NodeProto]], *, batch: int | str = "N") -> bytes:
    """Return the model that ends in `tail`, as an ONNX file's bytes."""
    nodes = [helper.make_node("ReduceMean", ["input", "spatial"], ["mean"], keepdims=0), *tail()]
    graph = helper.make_graph(
        nodes,
        tail.__name__,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, "H", "W"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [None, None])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in _CONSTANTS.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _node(operator: str, inputs: Sequence[str], **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs, ["embedding"], **attributes)
