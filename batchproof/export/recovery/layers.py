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
from batchproof.export.recovery.standard import require_standard

Weights = NDArray[np.generic]

# The kinds of layers that have weights of two and more dimensions, and into which a BatchNorm can be folded.
LINEAR = ("Conv", "Linear")

# They keep every number. Where a view is wrong, the comparison with the original's outputs shows it.
_VIEWS = frozenset({"Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze"})
# All but the first input of these say sizes, which follow from the first, or numbers that are settings here.
_FIRST_INPUT_ONLY = frozenset({"Resize", "Upsample", "Clip", "Expand"})


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
        require_standard(model)
        self.image = image
        self.constants = _constants(model)
        self._makers = {value: node for node in model.graph.node for value in node.output}
        self._parameters = {value.name for value in model.graph.input} - {image}

    def layer(self, value: str) -> Layer | None:
        """Return the layer behind `value`, past views; None when that is the image."""
        name = self._past_views(value)
        node = self._makers.get(name)
        return None if node is None else self._as_layer(node, name)

    def layers(self) -> list[Layer]:
        """Return every layer that is not itself a constant or a view, in the order of the graph."""
        made = (self.layer(value) for value, node in self._makers.items() if node.op_type not in _VIEWS)
        return [layer for layer in made if layer is not None and layer.inputs]

    def _past_views(self, value: str) -> str:
        while (node := self._makers.get(value)) is not None and (node.op_type in _VIEWS or _is_pool_of_one(node)):
            value = node.input[0]
        return value

    def _as_layer(self, node: onnx.NodeProto, value: str) -> Layer:
        used = [name for name in node.input if name][: 1 if node.op_type in _FIRST_INPUT_ONLY else None]
        found = [(name, self._operand(name)) for name in used]
        operands = [operand for _, operand in found if operand is not None]
        kind = _kind(node, len(operands))
        attributes = _attributes(node)
        if kind == "Linear" and attributes.get("transB", 0):
            operands[0] = Operand(operands[0].source, not operands[0].transposed)
        if kind == "Clip":
            attributes = {"bounds": self._bounds(node, attributes)}
        if kind == "Split":
            attributes["part"] = list(node.output).index(value)
        inputs = tuple(name for name, operand in found if operand is None)
        return Layer(
            kind, settings_of(kind, attributes), inputs, tuple(operands), f"{node.op_type} '{node.name or value}'"
        )

    def _bounds(self, node: onnx.NodeProto, attributes: Mapping[str, object]) -> list[object]:
        """Lowest and highest value of a Clip, which are attributes before opset 11 and inputs since."""
        if len(node.input) == 1:
            return [[attributes.get("min")], [attributes.get("max")]]
        found = (self._operand(name) for name in node.input[1:])
        return [None if each is None else self.constants[each.source].ravel().tolist() for each in found]

    def _operand(self, value: str) -> Operand | None:
        """Follow a constant, past views, casts to float32 and swaps of its axes, to where it comes from."""
        transposed = False
        while (node := self._makers.get(value := self._past_views(value))) is not None:
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


def _is_pool_of_one(node: onnx.NodeProto) -> bool:
    """Tell pools of one pixel at stride 1, which official exports have where a shortcut keeps its size."""
    size, stride = (_attributes(node).get(name, [1, 1]) for name in ("kernel_shape", "strides"))
    return node.op_type in ("AveragePool", "MaxPool") and size == stride == [1, 1]


def _attributes(node: onnx.NodeProto) -> dict[str, object]:
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}
