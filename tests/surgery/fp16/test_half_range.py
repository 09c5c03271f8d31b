from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from batchproof.policy import load_policy
from batchproof.surgery.fp16.half_range import activation_peaks, overflowing, peak_in_half, vanishing
from batchproof.surgery.fp16.samples import noise_samples
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.stage import convert_fp16
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise
from tests.surgery.fp16.half_chains import chain, noisy, rescaled


def embedder(gain: float) -> onnx.ModelProto:
    """A mean over the image, times `gain` and divided by it again: harmless in float32 whatever the gain."""
    weights = [
        numpy_helper.from_array(np.full((3, 64), gain, np.float32), "w"),
        numpy_helper.from_array(np.array([1 / gain], np.float32), "inverse"),
    ]
    nodes = [
        helper.make_node("GlobalMaxPool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["huge"]),
        helper.make_node("Mul", ["huge", "inverse"], ["embedding"]),
    ]
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 112, 112])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 64])
    graph = helper.make_graph(nodes, "embedder", [image], [embedding], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_the_peak_is_found_inside_the_graph_and_named() -> None:
    peaks = activation_peaks(embedder(1000.0), np.full((1, 3, 112, 112), 0.5, np.float32))
    assert max(peaks, key=lambda name: peaks[name]) == "huge"
    assert peaks["huge"] == pytest.approx(1500.0)


@pytest.mark.parametrize(("gain", "status"), [(1e3, Status.PASS), (6e4, Status.FAIL)])
def test_an_overflow_that_no_cpu_shows_fails_the_conversion(gain: float, status: Status) -> None:
    model = embedder(gain)
    _, verdicts = convert_fp16(model, noise_samples(recognise(model).spec.input, (64, 64)), load_policy(), "tiny")
    (verdict,) = (verdict for verdict in verdicts if verdict.check == "surgery.largest_activation")
    assert verdict.status is status
    assert verdict.witness == "huge"


def test_values_that_are_no_numbers_count_as_infinite() -> None:
    assert activation_peaks(embedder(1.0), np.full((1, 3, 112, 112), np.nan, np.float32))["huge"] == np.inf


def test_the_largest_of_all_images_counts_wherever_it_comes() -> None:
    dark, bright = noisy(1), noisy(1) * 8
    both = np.concatenate([bright, dark])
    assert activation_peaks(chain(), both) == activation_peaks(chain(), bright) != activation_peaks(chain(), dark)


def test_nodes_around_an_overflow_cannot_be_in_half_and_say_why() -> None:
    model = rescaled(chain(), "conv2", "conv3", 17)
    peaks = activation_peaks(model, noisy())
    found = overflowing(model, peaks)
    assert list(found) == ["conv2", "relu2", "conv3"]
    assert found["conv3"].peak.tensor == "r2"
    assert found["conv2"].peak.amount == peaks["c2"] > 65504
    assert found["conv2"].sentence == f"'c2' reaches {peaks['c2']:.6g}, and the largest half is 65504"


def test_a_weight_beyond_the_range_counts_too() -> None:
    model = rescaled(chain(), "conv2", "conv3", -20)
    found = overflowing(model, activation_peaks(model, noisy()))
    assert list(found) == ["conv3"]
    assert found["conv3"].peak.tensor == "w3"


def test_nodes_around_tensors_without_one_normal_half_are_suspects() -> None:
    model = rescaled(chain(), "conv2", "conv3", -20)
    found = vanishing(model, activation_peaks(model, noisy()))
    assert list(found) == ["conv2", "relu2", "conv3"]
    assert "halves lose bits below 6.10352e-05" in found["conv2"].sentence
    assert vanishing(chain(), activation_peaks(chain(), noisy())) == {}


def test_what_is_zero_does_not_vanish() -> None:
    model = chain()
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "b2")
    bias.CopyFrom(numpy_helper.from_array(np.zeros(8, np.float32), "b2"))
    assert vanishing(model, activation_peaks(model, noisy())) == {}


def test_the_peak_in_half_leaves_out_what_is_kept_in_float() -> None:
    model = rescaled(chain(), "conv2", "conv3", 17)
    peaks = activation_peaks(model, noisy())
    assert peak_in_half(to_fp16(model)[0], peaks).tensor == "c2"
    assert peak_in_half(to_fp16(model, ("conv2",))[0], peaks).tensor == "c2"  # cast to half for relu2
    assert peak_in_half(to_fp16(model, ("conv2", "relu2", "conv3"))[0], peaks).amount < 65504
    assert peak_in_half(to_fp16(model, [each.name for each in model.graph.node])[0], peaks).amount == 0


def test_an_output_that_overflows_on_its_way_out_is_a_peak_in_half() -> None:
    model = embedder(1.0)
    for node in model.graph.node[3:]:
        node.input[1] = "w0"
    model.graph.initializer.append(numpy_helper.from_array(np.array([3e5], np.float32), "w0"))
    peaks = activation_peaks(model, np.full((1, 3, 112, 112), 0.5, np.float32))
    assert peak_in_half(to_fp16(model)[0], peaks).tensor == "embedding"
