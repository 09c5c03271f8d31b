"""An embedder of one convolution: 112 x 112 to eight values, or as many as asked for, seeded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from batchproof.zoo.families import arcface

SPEC = arcface(embedding=8)


def tiny_embedder(path: Path, values: int = 8) -> Path:
    """Write the model: dynamic N, output `embedding` `[N, values]`."""
    weight = np.random.default_rng(3).standard_normal((values, 3, 112, 112)).astype(np.float32) / 112
    nodes = [
        helper.make_node("Conv", ["input", "weight"], ["map"]),
        helper.make_node("Flatten", ["map"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", values])],
        [numpy_helper.from_array(weight, "weight")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
