from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from batchproof.surgery.half_range import peak_activation
from batchproof.surgery.stage import convert_fp16
from batchproof.verdict import Status


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
    peak = peak_activation(embedder(1000.0), np.full((1, 3, 112, 112), 0.5, np.float32))
    assert peak.tensor == "huge"
    assert peak.amount == pytest.approx(1500.0)


@pytest.mark.parametrize(("gain", "status"), [(1e3, Status.PASS), (6e4, Status.FAIL)])
def test_an_overflow_that_no_cpu_shows_fails_the_conversion(gain: float, status: Status) -> None:
    _, verdicts = convert_fp16(embedder(gain), (64, 64), "tiny")
    (verdict,) = (verdict for verdict in verdicts if verdict.check == "surgery.largest_activation")
    assert verdict.status is status
    assert verdict.witness == "huge"


def test_values_that_are_no_numbers_count_as_infinite() -> None:
    assert peak_activation(embedder(1.0), np.full((1, 3, 112, 112), np.nan, np.float32)).amount == np.inf
