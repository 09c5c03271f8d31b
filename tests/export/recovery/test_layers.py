from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from batchproof.export.recovery.layers import Layer, LayerGraph, Operand

Nodes = list[onnx.NodeProto]


def graph(nodes: Nodes, *, declared: tuple[str, ...] = (), **constants: object) -> LayerGraph:
    """Make a graph from image `x` to `y`; constants that are `declared` stand among the inputs, as before IR 4."""
    tensors = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", *declared)]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return LayerGraph(helper.make_model(helper.make_graph(nodes, "g", inputs, [output], tensors)), "x")


def last(nodes: Nodes, *, declared: tuple[str, ...] = (), **constants: object) -> Layer:
    layer = graph(nodes, declared=declared, **constants).layer("y")
    assert layer is not None
    return layer


def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(","), [output], name=f"the {kind}", **attributes)


def test_views_and_pools_of_one_pixel_are_passed() -> None:
    nodes = [
        node("Relu", "x", "a"),
        node("Identity", "a", "b"),
        node("AveragePool", "b", "c", kernel_shape=[1, 1]),
        node("MaxPool", "c", "d", kernel_shape=[1, 1], strides=[1, 1]),
        node("Reshape", "d,size", "e"),
        node("Flatten", "e", "f"),
        node("Unsqueeze", "f,size", "g"),
        node("Squeeze", "g,size", "h"),
        node("Dropout", "h", "y"),
    ]
    assert last(nodes, size=[1, -1]).node == "Relu 'the Relu'"
    assert [layer.kind for layer in graph(nodes, size=[1, -1]).layers()] == ["Relu"]


@pytest.mark.parametrize("attributes", [{"kernel_shape": [2, 2]}, {"kernel_shape": [1, 1], "strides": [2, 2]}])
def test_pools_that_drop_pixels_are_layers(attributes: dict[str, list[int]]) -> None:
    assert last([node("MaxPool", "x", "y", **attributes)]).kind == "MaxPool"


def test_behind_views_of_it_the_image_is_no_layer() -> None:
    assert graph([node("Identity", "x", "y")]).layer("y") is None


def test_an_unnamed_node_goes_by_what_it_makes() -> None:
    assert last([helper.make_node("Relu", ["x"], ["y"])]).node == "Relu 'y'"


def test_constants_are_followed_to_where_they_come_from() -> None:
    nodes = [
        node("Unsqueeze", "slope,axes", "a"),
        node("Identity", "a", "b"),
        node("Cast", "b", "c", to=1),
        node("PRelu", "x,c", "y"),
    ]
    layer = last(nodes, slope=[0.1, 0.2], axes=[1, 2])
    assert (layer.inputs, layer.operands) == (("x",), (Operand("slope"),))


def test_constants_may_be_nodes_or_declared_as_inputs() -> None:
    weight = numpy_helper.from_array(np.ones((2, 3, 1, 1), np.float32))
    assert last([node("Constant", "", "w", value=weight), node("Conv", "x,w", "y")]).operands == (Operand("w"),)
    assert last([node("Conv", "x,w", "y")], declared=("w",), w=np.ones((2, 3, 1, 1))).operands == (Operand("w"),)
    numbers = graph([node("Constant", "", "w", value_floats=[1.0, 2.0]), node("Mul", "x,w", "y")])
    assert numbers.constants["w"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("nodes", "transposed"),
    [
        ([node("MatMul", "x,w", "y")], False),
        ([node("Gemm", "x,w,b", "y")], False),
        ([node("Gemm", "x,w,b", "y", transB=1)], True),
        ([node("Transpose", "w", "t", perm=[1, 0]), node("MatMul", "x,t", "y")], True),
        ([node("Transpose", "w", "t", perm=[1, 0]), node("Gemm", "x,t", "y", transB=1)], False),
    ],
)
def test_a_product_with_weights_is_linear_however_it_is_written(nodes: Nodes, transposed: bool) -> None:
    layer = last(nodes, w=np.ones((3, 2)), b=[1, 2])
    assert (layer.kind, layer.operands[0]) == ("Linear", Operand("w", transposed))
    assert layer.settings == {"alpha": 1.0, "beta": 1.0, "transA": 0}


def test_a_product_of_two_maps_is_not() -> None:
    assert last([node("MatMul", "x,x", "y")]).kind == "MatMul"
    assert last([node("Gemm", "x,x", "y")]).kind == "Gemm"


@pytest.mark.parametrize(
    "clip",
    [node("Clip", "x", "y", min=0.0, max=6.0), node("Clip", "x,low,high", "y")],
    ids=["attributes", "inputs"],
)
def test_bounds_are_settings_wherever_they_stand(clip: onnx.NodeProto) -> None:
    layer = last([clip], low=0, high=6)
    assert (layer.settings, layer.inputs, layer.operands) == ({"bounds": ((0.0,), (6.0,))}, ("x",), ())


def test_a_bound_may_be_missing() -> None:
    assert last([node("Clip", "x,,high", "y")], high=6).settings == {"bounds": ((-np.inf,), (6.0,))}


def test_sizes_are_no_inputs() -> None:
    nodes = [node("Shape", "x", "s"), node("Resize", "x,,,s", "y", mode="nearest")]
    assert last(nodes).inputs == ("x",)


def test_upsample_is_resize() -> None:
    sizes = {"mode": "nearest", "scales": [1.0, 1.0, 2.0, 2.0]}  # of opset 7
    assert last([node("Upsample", "x", "y", **sizes)]).kind == "Resize"
    resize, upsample = (last([node(kind, "x,,,s", "y")], s=[1]) for kind in ("Resize", "Upsample"))
    assert (resize.kind, resize.settings) == (upsample.kind, upsample.settings)


def test_the_parts_of_a_split_are_told_apart() -> None:
    split = helper.make_node("Split", ["x"], ["a", "y"], axis=1)
    other = graph([split]).layer("a")
    assert other is not None
    assert (last([split]).settings["part"], other.settings["part"]) == (1, 0)
