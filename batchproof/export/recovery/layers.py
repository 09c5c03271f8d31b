"""An ONNX graph as layers: what computes, without what only moves data or names it.

Two exports of one network differ in names, in shape arithmetic and in how they write an attribute's default; as layers
they are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from batchproof.export.recovery.settings import Settings, settings_of
from batchproof.export.recovery.views import is_view, says_size

Weights = NDArray[np.generic]

# The kinds of layers that have weights of two and more dimensions, and into which a BatchNorm can be folded.
LINEAR = ("Conv", "Linear")

# All but the first input of these say sizes, which follow from the first.
_SIZED = frozenset({"Resize", "Upsample", "Expand"})


@dataclass(frozen=True)
class Operand:
    """A constant that a layer computes with: where it comes from, and whether its axes are swapped on the way."""

    source: str
    transposed: bool = False


@dataclass(frozen=True)
class Layer:
    """One computation: its kind and settings, the values and the constants that it takes, the node it was."""

    kind: str
    settings: Settings
    inputs: tuple[str, ...]
    operands: tuple[Operand, ...]
    node: str


class LayerGraph:
    """The layers of `model`, found from the values they make; `image` is the input that is no constant."""

    def __init__(self, model: onnx.ModelProto, image: str) -> None:
        self.image = image
        self.constants = _constants(model)
        self._makers = {value: node for node in model.graph.node for value in node.output}
        self._parameters = {value.name for value in model.graph.input} - {image}
        views = (node for node in model.graph.node if is_view(node, self._makers, self.constants))
        self._views = {node.output[0]: node.input[0] for node in views}

    def origin(self, value: str) -> str:
        """Return the value whose numbers `value` holds: what is behind views of it."""
        while value in self._views:
            value = self._views[value]
        return value

    def layer(self, value: str) -> Layer | None:
        """Return the layer behind `value`, past views; None when that is the image."""
        name = self.origin(value)
        node = self._makers.get(name)
        return None if node is None else self._as_layer(node, name)

    def layers(self) -> list[Layer]:
        """Return every layer that is not itself a constant or a view, in the order of the graph."""
        made = (self.layer(value) for value in self._makers if value not in self._views)
        return [layer for layer in made if layer is not None and layer.inputs]

    def _as_layer(self, node: onnx.NodeProto, value: str) -> Layer:
        found = [(name, self._operand(name)) for name in self._used(node)]
        operands = [operand for _, operand in found if operand is not None]
        kind = _kind(node, len(operands))
        attributes = _attributes(node)
        if kind == "Linear" and attributes.get("transB", 0):
            operands[0] = Operand(operands[0].source, not operands[0].transposed)
        if kind == "Clip":
            attributes = {"bounds": self._bounds(node, attributes)}
        if kind == "Split" or value != node.output[0]:
            attributes["part"] = list(node.output).index(value)
        inputs = tuple(name for name, operand in found if operand is None)
        return Layer(
            kind, settings_of(kind, attributes), inputs, tuple(operands), f"{node.op_type} '{node.name or value}'"
        )

    def _used(self, node: onnx.NodeProto) -> list[str]:
        names = [name for name in node.input if name]
        is_sized = node.op_type in _SIZED and all(says_size(name, self._makers, self.constants) for name in names[1:])
        return names[:1] if is_sized or node.op_type == "Clip" else names

    def _bounds(self, node: onnx.NodeProto, attributes: Mapping[str, object]) -> list[list[float]]:
        """Lowest and highest value of a Clip, attributes before opset 11 and inputs since; NaN for a computed one."""
        lowest, highest = [*node.input[1:], "", ""][:2]
        return [
            self._numbers(lowest, attributes.get("min", -np.inf)),
            self._numbers(highest, attributes.get("max", np.inf)),
        ]

    def _numbers(self, value: str, default: object) -> list[float]:
        operand = self._operand(value)
        known = default if not value else np.nan if operand is None else self.constants[operand.source]
        return [float(number) for number in np.asarray(known).ravel()]

    def _operand(self, value: str) -> Operand | None:
        """Follow a constant, past views, casts to float32 and swaps of its axes, to where it comes from."""
        transposed = False
        while (node := self._makers.get(value := self.origin(value))) is not None:
            if node.op_type != "Transpose" and not _is_cast_to_float32(node):
                break
            value, transposed = node.input[0], transposed != (node.op_type == "Transpose")
        known = value in self.constants or value in self._parameters
        return Operand(value, transposed) if known else None


def _is_cast_to_float32(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and _attributes(node).get("to") == onnx.TensorProto.FLOAT


def _constants(model: onnx.ModelProto) -> dict[str, Weights]:
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            value = helper.get_attribute_value(node.attribute[0])
            is_tensor = isinstance(value, onnx.TensorProto)
            constants[node.output[0]] = numpy_helper.to_array(value) if is_tensor else np.asarray(value)
    return constants


def _kind(node: onnx.NodeProto, operands: int) -> str:
    """Call a product with constant weights `Linear`, and what enlarges maps `Resize`, however they are written."""
    if node.op_type == "Upsample":
        return "Resize"
    is_linear = (node.op_type == "Gemm" and operands) or (node.op_type == "MatMul" and operands == 1)
    return "Linear" if is_linear else node.op_type


def _attributes(node: onnx.NodeProto) -> dict[str, object]:
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}
