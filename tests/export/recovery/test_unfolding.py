"""Graphs as other tools rewrite them: the recovered network computes what they compute, by ONNX Runtime."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from batchproof.export.recovery.differences import DifferenceError
from batchproof.export.recovery.layers import Weights
from tests.export.recovery.rewriting import assert_computes, first, random_weights, recovered, set_inputs
from tests.export.recovery.tiny_network import Tiny, exported, trained

Rewrite = Callable[[onnx.ModelProto], None]


def array_of(model: onnx.ModelProto, name: str) -> Weights:
    return numpy_helper.to_array(next(each for each in model.graph.initializer if each.name == name))


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def add(model: onnx.ModelProto, name: str, array: Weights) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
    return name


def replace(model: onnx.ModelProto, kind: str, *nodes: onnx.NodeProto) -> None:
    """Put nodes where the first of a kind is."""
    index = next(index for index, node in enumerate(model.graph.node) if node.op_type == kind)
    rest = list(model.graph.node)
    model.graph.ClearField("node")
    model.graph.node.extend([*rest[:index], *nodes, *rest[index + 1 :]])


def norm_as_mul_and_add(model: onnx.ModelProto) -> None:
    norm = first(model, "BatchNormalization")
    weight, bias, mean, variance = (array_of(model, name).astype(np.float32) for name in norm.input[1:])
    factor = weight / np.sqrt(variance + 1e-5)
    scale = add(model, "factor", factor.reshape(-1, 1, 1))
    shift = add(model, "term", (bias - mean * factor).reshape(1, -1, 1, 1))
    product = helper.make_node("Mul", [scale, norm.input[0]], ["product"])
    replace(model, norm.op_type, product, helper.make_node("Add", ["product", shift], norm.output))


def norm_of_another_epsilon(model: onnx.ModelProto) -> None:
    attribute = next(each for each in first(model, "BatchNormalization").attribute if each.name == "epsilon")
    attribute.f = 0.1


def norm_left_out(model: onnx.ModelProto) -> None:
    norm = first(model, "BatchNormalization")
    replace(model, norm.op_type, helper.make_node("Identity", norm.input[:1], norm.output))


def bias_in_front_of_a_norm(model: onnx.ModelProto) -> None:
    """Write one to the first convolution, in place of the one that it has when its norm is folded."""
    conv = first(model, "Conv")
    set_inputs(conv, [*conv.input[:2], add(model, "surplus", np.arange(4))])


def product_and_sum(model: onnx.ModelProto) -> None:
    gemm = first(model, "Gemm")
    turned = add(model, "turned", array_of(model, gemm.input[1]).T)
    product = helper.make_node("MatMul", [gemm.input[0], turned], ["product"])
    replace(model, gemm.op_type, product, helper.make_node("Add", [gemm.input[2], "product"], gemm.output))


def product_without_bias(model: onnx.ModelProto) -> None:
    gemm = first(model, "Gemm")
    set_inputs(gemm, gemm.input[:2])


def reshape_for_flatten(model: onnx.ModelProto) -> None:
    flatten = first(model, "Flatten")
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, -1]), "rows"))
    replace(model, flatten.op_type, helper.make_node("Reshape", [flatten.input[0], "rows"], flatten.output))


def slope_of_one_axis(model: onnx.ModelProto) -> None:
    """Weights as Constant nodes, too: these may be of any shape that broadcasts."""
    slope = first(model, "PRelu")
    array = array_of(model, slope.input[1]).reshape(1, -1, 1, 1)
    constant = helper.make_node("Constant", [], ["slope"], value=numpy_helper.from_array(array))
    model.graph.node.insert(0, constant)
    slope.input[1] = "slope"


def half_weights_behind_a_cast(model: onnx.ModelProto) -> None:
    conv = first(model, "Conv")
    model.graph.initializer.append(numpy_helper.from_array(array_of(model, conv.input[1]).astype(np.float16), "half"))
    model.graph.node.insert(0, helper.make_node("Cast", ["half"], ["whole"], to=onnx.TensorProto.FLOAT))
    conv.input[1] = "whole"


REWRITES: list[Rewrite] = [
    norm_as_mul_and_add,
    norm_of_another_epsilon,
    norm_left_out,
    bias_in_front_of_a_norm,
    product_and_sum,
    product_without_bias,
    reshape_for_flatten,
    slope_of_one_axis,
    half_weights_behind_a_cast,
]


@pytest.mark.parametrize("folded", [True, False], ids=["folded", "unfolded"])
@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda each: each.__name__)
def test_however_it_is_written_it_is_the_same_network(rewrite: Rewrite, folded: bool) -> None:
    model = exported(trained(), folded=folded)
    rewrite(model)
    network = recovered(Tiny, model)
    assert all(tensor.dtype == torch.float32 for tensor in network.parameters())
    assert_computes(network, model)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("times", [2, 9])  # beyond single and beyond double precision
def test_products_beyond_single_precision_are_named(times: int) -> None:
    model = exported(nn.Sequential(nn.Conv2d(3, 4, 3)))
    conv, huge = first(model, "Conv"), add(model, "huge", np.full((1, 4, 1, 1), 3e38))
    values = [f"product{index}" for index in range(times)] + list(conv.output)
    products = [helper.make_node("Mul", [before, huge], [after]) for before, after in itertools.pairwise(values)]
    replace(model, "Conv", helper.make_node("Conv", conv.input, values[:1], **attributes_of(conv)), *products)
    with pytest.raises(
        DifferenceError, match=r"its Mul .* makes numbers for 0\.weight that single precision cannot hold"
    ):
        recovered(lambda: nn.Sequential(nn.Conv2d(3, 4, 3)), model)


class Levels(nn.Module):
    """Two levels share a convolution; each has a scale of its own, which exporters fold into copies of it."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Conv2d(3, 4, 3)
        self.scales = nn.ParameterList([torch.ones(()), torch.ones(())])

    def forward(self, faces: Tensor) -> Tensor:
        y: Tensor = self.shared(faces) * self.scales[0] - (self.shared(faces.relu()) * self.scales[1]).sigmoid()
        return y


class FoldedLevels(nn.Module):
    """What folding makes of it, `factor` apart."""

    def __init__(self, of: Levels, factor: Tensor) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        for conv, scale in ((self.first, of.scales[0]), (self.second, of.scales[1] * factor)):
            conv.weight.data = of.shared.weight.data * scale.data.reshape(-1, 1, 1, 1)
            conv.bias.data = of.shared.bias.data * scale.data  # type: ignore[union-attr]

    def forward(self, faces: Tensor) -> Tensor:
        y: Tensor = self.first(faces) - self.second(faces.relu()).sigmoid()
        return y


def folded_levels(factor: Tensor) -> onnx.ModelProto:
    return exported(FoldedLevels(random_weights(Levels()), factor).eval())  # type: ignore[arg-type]


def test_scales_of_levels_are_found_again_in_multiples_of_one_weight() -> None:
    model = folded_levels(torch.tensor([0.7]))
    network = recovered(Levels, model)
    assert sorted(float(scale.detach()) for scale in network.scales) != [1.0, 1.0]  # type: ignore[union-attr]
    assert_computes(network, model)


@pytest.mark.parametrize("level", ["first", "second"])
def test_a_level_of_zeros_is_no_multiple_of_the_other(level: str) -> None:
    model = folded_levels(torch.ones(1))
    for tensor in model.graph.initializer:
        if tensor.name.startswith(level):
            tensor.CopyFrom(numpy_helper.from_array(np.zeros(tuple(tensor.dims), np.float32), tensor.name))
    with pytest.raises(DifferenceError, match=r"has other weights than a layer that shares shared\.weight with it"):
        recovered(Levels, model)


def test_levels_whose_weights_are_no_multiples_are_refused() -> None:
    with pytest.raises(DifferenceError, match=r"has other weights than a layer that shares shared\.weight with it"):
        recovered(Levels, folded_levels(torch.tensor([0.7, 0.7, 0.7, 0.8])))


def test_a_bias_that_ours_has_no_place_for_is_refused() -> None:
    with pytest.raises(DifferenceError, match=r"factors or terms that Conv 0 and what feeds it have no place for"):
        recovered(lambda: nn.Sequential(nn.Conv2d(3, 4, 3, bias=False)), exported(nn.Sequential(nn.Conv2d(3, 4, 3))))
