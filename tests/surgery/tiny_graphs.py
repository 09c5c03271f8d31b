"""Graphs of a few nodes, one for each form in which a face model loses its batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper, numpy_helper

from batchproof.surgery import constants
from batchproof.surgery.shapes import ImageSize

Dims = Sequence[int | str | None]
Tail = Literal["interleaved", "frozen", "kept"]

SIZE = ImageSize(64, 96)


def tensor(name: str, dims: Dims | None, dtype: int = onnx.TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, dims)


def node(op: str, inputs: Sequence[str], output: str, name: str | None = None, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, [output], name=f"{op}_{output}" if name is None else name, **attributes)


def constant(output: str, values: Any) -> onnx.NodeProto:
    return node("Constant", [], output, value=numpy_helper.from_array(np.array(values), f"{output}_value"))


def weights(shape: Sequence[int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


def graph(
    nodes: Sequence[onnx.NodeProto],
    outputs: Mapping[str, Dims | None],
    constants: Mapping[str, Any] | None = None,
    *,
    image: Dims = (1, 3, SIZE.height, SIZE.width),
    opset: int = 11,
    ir_version: int = 6,
) -> onnx.ModelProto:
    """A model with the input `image`; `constants` become initialisers, Python numbers int64."""
    made = helper.make_graph(
        nodes,
        "tiny",
        [tensor("image", image)],
        [tensor(name, dims) for name, dims in outputs.items()],
        [numpy_helper.from_array(np.array(values), name) for name, values in (constants or {}).items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def to_ir(model: onnx.ModelProto) -> ir.Model:
    return ir.serde.deserialize_model(model)


def node_of(model: ir.Model, name: str) -> ir.Node:
    return next(each for each in model.graph if each.name == name)


def target_of(model: ir.Model, name: str) -> list[int]:
    """The constant target of the Reshape `name`."""
    content = constants.read(node_of(model, name).inputs[1])
    assert content is not None
    values: list[int] = content.tolist()
    return values


def detector(
    tail: Tail = "interleaved", *, fixed_resize: bool = False, image: Dims = (1, 3, SIZE.height, SIZE.width)
) -> onnx.ModelProto:
    """An SCRFD without landmarks: three levels, the coarsest resized and added to the middle one."""
    nodes, constants, outputs = [], dict[str, Any](), dict[str, Dims | None]()
    for seed, stride in enumerate((8, 16, 32)):
        constants[f"w{stride}"] = weights((8, 3, stride, stride), seed)
        nodes.append(node("Conv", ["image", f"w{stride}"], f"c{stride}", strides=[stride, stride]))
    nodes += _upwards(constants, fixed=fixed_resize)
    for kind, channels in (("score", 1), ("bbox", 4)):
        for stride, source in ((8, "c8"), (16, "p16"), (32, "c32")):
            name = f"out_{kind}_{stride}"
            constants[f"{name}_w"] = weights((2 * channels, 8, 1, 1), stride)
            nodes.append(node("Conv", [source, f"{name}_w"], f"{name}_map"))
            nodes += _tail(name, tail, channels, constants)
            rows = SIZE.height // stride * (SIZE.width // stride) * 2
            outputs[name] = [rows, channels] if tail == "interleaved" else [1, rows, channels]
    return graph(nodes, outputs, constants, image=image)


def _upwards(constants: dict[str, Any], *, fixed: bool) -> list[onnx.NodeProto]:
    constants["empty"] = np.zeros(0, np.float32)
    constants["sizes"] = [1, 8, SIZE.height // 16, SIZE.width // 16]
    constants["scales"] = np.array([1, 1, 2, 2], np.float32)
    inputs = ["c32", "empty", "empty", "sizes"] if fixed else ["c32", "empty", "scales"]
    constants.pop("scales" if fixed else "sizes")
    mode = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return [node("Resize", inputs, "up", **mode), node("Add", ["c16", "up"], "p16")]


def _tail(name: str, tail: Tail, channels: int, constants: dict[str, Any]) -> list[onnx.NodeProto]:
    perm = [2, 3, 0, 1] if tail == "interleaved" else [0, 2, 3, 1]
    target = {"interleaved": [-1, channels], "frozen": [1, -1, channels], "kept": [0, -1, channels]}[tail]
    constants[f"rows_{channels}"] = target
    return [
        node("Transpose", [f"{name}_map"], f"{name}_t", perm=perm),
        node("Reshape", [f"{name}_t", f"rows_{channels}"], f"{name}_r"),
        node("Sigmoid", [f"{name}_r"], name),
    ]


def embedder(*, target: Sequence[int] = (1, -1)) -> onnx.ModelProto:
    """A 112x112 embedder whose target is a Constant node, as torch 2 writes it."""
    nodes = [
        node("Conv", ["image", "w"], "features", strides=[28, 28]),
        constant("target", target),
        node("Reshape", ["features", "target"], "embedding_raw"),
    ]
    constants = {"w": weights((16, 3, 28, 28))}
    return graph(nodes, {"embedding_raw": [1, 256]}, constants, image=(1, 3, 112, 112))


def pictures(count: int, height: int = SIZE.height, width: int = SIZE.width) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (count, 3, height, width)).astype(np.float32)
