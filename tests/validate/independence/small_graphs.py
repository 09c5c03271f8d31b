"""Graphs of a few nodes between an image and one output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from batchproof.validate.independence import Proof, prove

Nodes = Sequence[onnx.NodeProto]


def node(op: str, inputs: str, outputs: str = "out", **attributes: Any) -> onnx.NodeProto:
    """`inputs` and `outputs` are names separated by blanks; `-` is an input left empty."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), name=f"{op}_{outputs.split()[0]}", **attributes)


def model(
    nodes: Nodes,
    constants: Mapping[str, Any] | None = None,
    *,
    frame: Sequence[int | str] = (4, 6, 8),
    opset: int = 17,
    output: str = "out",
    batch: int | str = 1,
) -> onnx.ModelProto:
    """The input is `image`, [batch, *frame]; `constants` become initialisers, Python integers int64."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [batch, *frame])],
        [helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(_array(values), name) for name, values in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _array(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def proof_of(*nodes: onnx.NodeProto, constants: Mapping[str, Any] | None = None, **settings: Any) -> Proof:
    return prove(model(nodes, constants, **settings))
