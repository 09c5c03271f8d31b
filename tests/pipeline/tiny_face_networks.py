"""2d106det, 1k3d68 and genderage as MXNet exports them, names, shapes and normalisation in the graph, but tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZES = {212: 192, 3309: 192, 3: 96}
_CHANNELS, _CELLS = 4, 4


def tiny_face_network(path: Path, values: int) -> Path:
    """Write a network of `values` outputs: `data` `[N, 3, size, size]` of raw pixels to `fc1`, declared `[1, values]`.

    One seeded convolution and one matrix: every output depends on all of the crop.
    """
    size = SIZES[values]
    stride = size // _CELLS
    random = np.random.default_rng(values)
    weights = {
        "mean": np.float32(127.5),
        "scale": np.float32(0.0078125),
        "conv_weight": random.standard_normal((_CHANNELS, 3, stride, stride)) / stride,
        "fc1_weight": random.standard_normal((values, _CHANNELS * _CELLS**2)) / 10,
        "fc1_bias": random.uniform(-0.3, 0.3, values),
    }
    nodes = [
        helper.make_node("Sub", ["data", "mean"], ["centred"], name="_minusscalar0"),
        helper.make_node("Mul", ["centred", "scale"], ["scaled"], name="_mulscalar0"),
        helper.make_node("Conv", ["scaled", "conv_weight"], ["map"], name="conv_1", strides=[stride, stride]),
        helper.make_node("Flatten", ["map"], ["flat"], name="flatten0"),
        helper.make_node("Gemm", ["flat", "fc1_weight", "fc1_bias"], ["fc1"], name="fc1", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["None", 3, size, size])],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, values])],
        [numpy_helper.from_array(np.asarray(weight, np.float32), name) for name, weight in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def batchable(original: Path) -> Path:
    """Write what surgery makes of `original` beside it."""
    from batchproof.artifacts import onnx_file
    from batchproof.surgery.repair import repair
    from batchproof.zoo.recognise import recognise

    model = onnx_file.read(original)
    path = original.with_suffix(".batchable.onnx")
    onnx.save(repair(model, recognise(model)).model, path)
    return path
