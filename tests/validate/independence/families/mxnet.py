"""Graphs as MXNet's exporter writes them: constants are inputs too, IR 3, outputs declared for one frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class MxnetGraph:
    """Collects nodes; each method returns the name of its result, which is the name of its node."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(0)

    def node(self, op: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Any operator."""
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: Sequence[float] | np.ndarray, dtype: type = np.float32) -> str:
        """An initialiser."""
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def weight(self, name: str, *shape: int) -> str:
        """An initialiser of random numbers that keep the variance."""
        return self.constant(name, self._random.normal(0, np.prod(shape[1:]) ** -0.5 or 1.0, shape))

    def normalised(self, data: str, mean: float = 127.5, scale: float = 0.0078125) -> str:
        """The pair of nodes by which insightface knows that the file normalises."""
        centred = self.node("Sub", "_minusscalar0", data, self.constant("minus_const", [mean]))
        return self.node("Mul", "_mulscalar0", centred, self.constant("mul_const", [scale]))

    def conv(
        self, name: str, data: str, inputs: int, outputs: int, kernel: int, stride: int = 1, group: int = 1
    ) -> str:
        """Padded to keep the size, with a bias."""
        weight = self.weight(f"{name}_weight", outputs, inputs // group, kernel, kernel)
        geometry = {"kernel_shape": [kernel] * 2, "pads": [kernel // 2] * 4, "strides": [stride] * 2}
        return self.node("Conv", name, data, weight, self.weight(f"{name}_bias", outputs), group=group, **geometry)

    def batch_norm(self, name: str, data: str, channels: int, *, fix_gamma: bool = True) -> str:
        """`fix_gamma` stores ones; the attribute `spatial` was part of the operator until opset 8."""
        gamma = np.ones(channels) if fix_gamma else self._random.uniform(0.5, 1.5, channels)
        stored = {"gamma": gamma, "beta": np.zeros(channels), "mean": np.zeros(channels), "var": np.ones(channels)}
        inputs = [self.constant(f"{name}_{part}", values) for part, values in stored.items()]
        spatial = {"spatial": 1} if self.opset < 9 else {}
        return self.node("BatchNormalization", name, data, *inputs, epsilon=2e-5, **spatial)

    def prelu(self, name: str, data: str, channels: int) -> str:
        """The slope reshaped to `[C, 1, 1]`, as every runtime wants it."""
        return self.node("PRelu", name, data, self.constant(f"{name}_gamma", np.full((channels, 1, 1), 0.25)))

    def reshape(self, name: str, data: str, target: Sequence[int]) -> str:
        """To a constant shape."""
        return self.node("Reshape", name, data, self.constant(f"{name}_shape", target, np.int64))

    def gemm(self, name: str, data: str, inputs: int, outputs: int) -> str:
        """FullyConnected of a matrix."""
        weight, bias = self.weight(f"{name}_weight", outputs, inputs), self.weight(f"{name}_bias", outputs)
        return self.node("Gemm", name, data, weight, bias, transB=1)

    def model(self, frame: Sequence[int], outputs: Mapping[str, Sequence[int]]) -> onnx.ModelProto:
        """The file; `outputs` are the declared shapes without the batch."""
        declared = [("data", frame), *outputs.items()]
        image, *results = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape]) for name, shape in declared
        ]
        repeated = [helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in self.constants]
        graph = helper.make_graph(self.nodes, "mxnet_converted_model", [image, *repeated], results, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=3)
