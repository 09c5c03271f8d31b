"""2d106det, 1k3d68 and genderage as MXNet exports them, names, shapes and normalisation in the graph, but tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from batchproof.pipeline.mean_face import mean_shape

SIZES = {212: 192, 3309: 192, 3: 96}
_CHANNELS, _CELLS = 4, 4
_SPREAD = {212: 0.015, 3309: 0.015, 3: 0.1}


def tiny_face_network(path: Path, values: int, *, normalised: bool = True) -> Path:
    """Write a network of `values` outputs: `data` `[N, 3, size, size]` of raw pixels to `fc1`, declared `[1, values]`.

    One seeded convolution and one matrix: every output depends on all of the crop. Points lie about those of a face, or
    anywhere in the crop where nobody knows their order. With `normalised=False` the pixels
    come normalised, as for files that were exported again.
    """
    size = SIZES[values]
    stride = size // _CELLS
    random = np.random.default_rng(values)
    weights = {
        "mean": np.float32(127.5),
        "scale": np.float32(0.0078125),
        "conv_weight": random.standard_normal((_CHANNELS, 3, stride, stride)) / stride,
        "fc1_weight": random.standard_normal((values, _CHANNELS * _CELLS**2)) * _SPREAD[values],
        "fc1_bias": random.uniform(-0.6, 0.6, values) if values != 3 else random.uniform(-0.3, 0.3, 3),
    }
    if values == 3309:
        weights["fc1_bias"][-68 * 3 :] = mean_shape().ravel() * 0.6 / np.abs(mean_shape()).max()
    nodes = [
        helper.make_node("Sub", ["data", "mean"], ["centred"], name="_minusscalar0"),
        helper.make_node("Mul", ["centred", "scale"], ["scaled"], name="_mulscalar0"),
        helper.make_node("Conv", ["scaled", "conv_weight"], ["map"], name="conv_1", strides=[stride, stride]),
        helper.make_node("Flatten", ["map"], ["flat"], name="flatten0"),
        helper.make_node("Gemm", ["flat", "fc1_weight", "fc1_bias"], ["fc1"], name="fc1", transB=1),
    ]
    if not normalised:
        del nodes[:2]
        nodes[0].input[0] = "data"
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
