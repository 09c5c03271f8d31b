"""A detector with SCRFD's nine (or six) outputs and one seeded convolution for each: small, fast, and full of faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from batchproof.zoo.families import SCRFD_CHANNELS, scrfd
from batchproof.zoo.spec import OutputSpec

ANCHORS = 2
SPEC = scrfd()
BOXES_ONLY = scrfd(keypoints=False)


def tiny_scrfd(path: Path, *, keypoints: bool = True) -> Path:
    """Write the model: dynamic N, H and W, outputs `[N, rows, channels]` in insightface's order."""
    outputs = (SPEC if keypoints else BOXES_ONLY).outputs
    random = np.random.default_rng(7)
    nodes, weights = [], []
    for output in outputs:
        nodes += _head(output)
        weights += _weights(output, random)
    declared = [_tensor(output.name, ["N", f"rows_{output.stride}", output.channels]) for output in outputs]
    graph = helper.make_graph(nodes, "tiny", [_tensor("input", ["N", 3, "H", "W"])], declared, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Coarse random patches: they survive scaling, so the faces differ from picture to picture."""
    patches = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return np.ascontiguousarray(patches.repeat(8, axis=0).repeat(8, axis=1)[:height, :width])


def _head(output: OutputSpec) -> list[onnx.NodeProto]:
    name, stride = output.name, output.stride
    last = f"{name}_rows" if output.kind == "score" else name
    nodes = [
        helper.make_node("Conv", ["input", f"{name}_w", f"{name}_b"], [f"{name}_map"], strides=[stride, stride]),
        helper.make_node("Transpose", [f"{name}_map"], [f"{name}_last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", [f"{name}_last", f"{name}_shape"], [last]),
    ]
    return [*nodes, helper.make_node("Sigmoid", [last], [name])] if output.kind == "score" else nodes


def _weights(output: OutputSpec, random: np.random.Generator) -> list[onnx.TensorProto]:
    stride = output.stride or 1
    channels = SCRFD_CHANNELS[output.kind] * ANCHORS
    weight = random.standard_normal((channels, 3, stride, stride)) / stride
    bias = np.full(channels, {"score": -2.0, "bbox": 2.0, "kps": 0.0}[output.kind])
    return [
        numpy_helper.from_array(weight.astype(np.float32), f"{output.name}_w"),
        numpy_helper.from_array(bias.astype(np.float32), f"{output.name}_b"),
        numpy_helper.from_array(np.array([0, -1, output.channels]), f"{output.name}_shape"),
    ]


def _tensor(name: str, dims: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
