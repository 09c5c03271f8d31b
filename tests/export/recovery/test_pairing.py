from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from batchproof.export.networks.catalogue import Architecture
from batchproof.export.recovery.differences import DifferenceError
from batchproof.export.recovery.layers import LayerGraph, Weights
from batchproof.export.recovery.pairing import Pairing
from batchproof.export.recovery.reference import reference_graph
from tests.export.recovery.tiny_network import ARCHITECTURE, FACES, Tiny, edited, exported, trained

Edit = Callable[[onnx.NodeProto], object]


@pytest.fixture(scope="module")
def ours() -> LayerGraph:
    return reference_graph(ARCHITECTURE)


@pytest.fixture(scope="module")
def folded() -> onnx.ModelProto:
    return exported(trained())


def walk(ours: LayerGraph, model: onnx.ModelProto) -> dict[str, Weights]:
    shapes = {key: tuple(tensor.shape) for key, tensor in Tiny().state_dict().items()}
    return Pairing(ours, LayerGraph(model, "data"), shapes).walk([("embedding", "fc1")])


def loaded(weights: dict[str, Weights]) -> Tiny:
    network = Tiny().eval()
    rest = {key: tensor for key, tensor in network.state_dict().items() if key.endswith("num_batches_tracked")}
    network.load_state_dict({**rest, **{key: torch.from_numpy(array.copy()) for key, array in weights.items()}})
    return network


@pytest.mark.parametrize("opset", [9, 11, 13, 17])
def test_folded_weights_compute_what_the_network_computed(ours: LayerGraph, opset: int) -> None:
    network = trained()
    with torch.inference_mode():
        expected, found = network(FACES), loaded(walk(ours, exported(network, opset=opset)))(FACES)
    assert expected.abs().max() > 1
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_weights_that_are_not_folded_come_back_bit_for_bit(ours: LayerGraph) -> None:
    network = trained()
    weights = walk(ours, exported(network, folded=False))
    for key, tensor in network.state_dict().items():
        assert key.endswith("num_batches_tracked") or np.array_equal(weights[key], tensor.numpy()), key


def test_exported_anew_the_folded_weights_have_the_same_bits(ours: LayerGraph, folded: onnx.ModelProto) -> None:
    again = exported(loaded(walk(ours, folded)))
    before, after = (
        {(tuple(each.dims), numpy_helper.to_array(each).tobytes()) for each in model.graph.initializer}
        for model in (folded, again)
    )
    assert before == after


def test_the_norm_of_a_fold_is_an_identity_without_rounding(ours: LayerGraph, folded: onnx.ModelProto) -> None:
    weights = walk(ours, folded)
    variance = weights["stem_norm.running_var"]
    assert variance.dtype == np.float32
    assert (variance + np.float32(1e-5) == 1).all()
    assert (weights["stem_norm.weight"] == 1).all()
    assert (weights["stem_norm.running_mean"] == 0).all()
    assert (weights["stem_norm.bias"] != 0).all()
    # Where the convolution has a bias of its own, that one has taken the fold's.
    assert (weights["within_norm.bias"] == 0).all()
    assert (weights["within.bias"] != 0).all()


def test_the_terms_of_a_sum_may_stand_in_another_order(ours: LayerGraph, folded: onnx.ModelProto) -> None:
    straight = walk(ours, folded)
    swapped = walk(ours, edited(folded, "Add", lambda node: node.input.reverse()))
    assert all(np.array_equal(straight[key], swapped[key]) for key in straight)


def replaced(model: onnx.ModelProto, name: str, array: Weights) -> onnx.ModelProto:
    """Copy the model with another weight under a name."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensor = next(tensor for tensor in copy.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return copy


def test_a_linear_layer_may_store_its_weights_the_other_way_round(ours: LayerGraph, folded: onnx.ModelProto) -> None:
    straight = walk(ours, folded)
    other = edited(folded, "Gemm", set_attribute("transB", 0))
    turned = walk(ours, replaced(other, "linear.weight", straight["linear.weight"].T))
    assert all(np.array_equal(straight[key], turned[key]) for key in straight)


def test_a_bias_of_another_length_is_named(ours: LayerGraph, folded: onnx.ModelProto) -> None:
    conv = next(node for node in folded.graph.node if node.op_type == "Conv")
    with pytest.raises(DifferenceError, match=r"Conv .* has 3 numbers for stem_norm\.bias with 4"):
        walk(ours, replaced(folded, conv.input[2], np.ones(3, np.float32)))


class Twice(torch.nn.Module):
    """One convolution, or two of the same shape, one after the other."""

    def __init__(self, second: torch.nn.Module | None = None) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(3, 3, 3)
        self.second = self.first if second is None else second

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.second(self.first(faces))
        return y


def test_layers_that_share_a_weight_must_agree() -> None:
    shared = reference_graph(Architecture(Twice, ARCHITECTURE.spec))
    pairing = partial(Pairing, shared, shapes={"first.weight": (3, 3, 3, 3), "first.bias": (3,)})
    alike, unlike = (LayerGraph(exported(Twice(second)), "data") for second in (None, torch.nn.Conv2d(3, 3, 3)))
    assert pairing(alike).walk([("embedding", "fc1")]).keys() == {"first.weight", "first.bias"}
    with pytest.raises(DifferenceError, match=r"has other weights than a layer that shares first\.weight with it"):
        pairing(unlike).walk([("embedding", "fc1")])


def set_attribute(name: str, value: object) -> Edit:
    def edit(node: onnx.NodeProto) -> None:
        kept = [each for each in node.attribute if each.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])

    return edit


def as_leaky_relu(node: onnx.NodeProto) -> None:
    node.op_type = "LeakyRelu"
    del node.input[1:]


@pytest.mark.parametrize(
    ("kind", "edit", "difference"),
    [
        ("Conv", set_attribute("strides", [1, 1]), r"has strides \(1, 1\) where Conv stem has strides \(2, 2\)"),
        (
            "Conv",
            set_attribute("pads", [0, 0, 1, 1]),
            r"has pads \(0, 0, 1, 1\) where Conv stem has pads \(1, 1, 1, 1\)",
        ),
        ("Conv", set_attribute("dilations", [2, 2]), r"has dilations \(2, 2\) where Conv stem has dilations \(1, 1\)"),
        ("Conv", set_attribute("auto_pad", "SAME_UPPER"), "has auto_pad SAME_UPPER where Conv stem"),
        ("Conv", set_attribute("group", 3), "has group 3 where Conv stem has group 1"),
        ("MaxPool", set_attribute("kernel_shape", [7, 7]), r"has kernel_shape \(7, 7\) where MaxPool"),
        ("Gemm", set_attribute("alpha", 2.0), "has alpha 2.0 where Linear linear"),
        ("PRelu", as_leaky_relu, "its LeakyRelu '.*' stands where PRelu slope is expected"),
    ],
)
def test_another_layer_is_named(
    ours: LayerGraph, folded: onnx.ModelProto, kind: str, edit: Edit, difference: str
) -> None:
    with pytest.raises(DifferenceError, match=difference):
        walk(ours, edited(folded, kind, edit))


def test_weights_of_another_shape_are_named(ours: LayerGraph) -> None:
    network = trained()
    network.within = torch.nn.Conv2d(4, 4, 5, padding=2, groups=4)
    with pytest.raises(DifferenceError, match=r"has pads .* where Conv within has pads"):
        walk(ours, exported(network.eval()))
    network.within = torch.nn.Conv2d(4, 4, 3, padding=1, groups=4)
    network.linear = torch.nn.Linear(4 * 7 * 7, 5)
    network.features = torch.nn.BatchNorm1d(5)
    with pytest.raises(DifferenceError, match=r"has weights \[5, 196\] where Linear linear has \[6, 196\]"):
        walk(ours, exported(network.eval()))


class Normalised(torch.nn.Module):
    """Takes raw pixels, as MXNet's exports do."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = self.network((pixels - 127.5) / 127.5)
        return embedding


def test_preprocessing_in_the_graph_is_named(ours: LayerGraph) -> None:
    with pytest.raises(DifferenceError, match=r"its Div '.*' stands where the image is expected") as raised:
        walk(ours, exported(Normalised(trained()).eval()))
    assert raised.value.remedy.startswith("Recover the graph from before its preprocessing was put in")


def test_a_constant_of_the_network_itself_must_be_the_same(ours: LayerGraph) -> None:
    class Clamped(Tiny):
        def forward(self, faces: torch.Tensor) -> torch.Tensor:
            x = self.slope(self.stem_norm(self.stem(faces)))
            branch = self.within_norm(self.within(torch.nn.functional.hardtanh(self.alone(x), 0.0, 5.0)))
            pooled = torch.nn.functional.max_pool2d((branch + x) * self.scale, 8, 8)
            embedding: torch.Tensor = self.features(self.linear(pooled.flatten(1)))
            return embedding

    with pytest.raises(DifferenceError, match=r"has bounds .*5.0.* where Clip has bounds .*6.0"):
        walk(ours, exported(Clamped().eval()))
