from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.fp16.summary import tensor_types
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from tests.surgery.fp16.half_chains import chain, noisy
from tests.surgery.tiny_graphs import detector, graph, node, pictures

DIMS = ("N", 3, 64, 96)


def _ops(model: onnx.ModelProto) -> list[str]:
    return [each.op_type if each.op_type == "Cast" else each.name for each in model.graph.node]


def _two_paths() -> onnx.ModelProto:
    """`x` is read by `left` and `right`, whose results are added."""
    nodes = [
        node("Relu", ["image"], "x", name="first"),
        node("Mul", ["x", "factor"], "a", name="left"),
        node("Mul", ["x", "factor"], "b", name="right"),
        node("Add", ["a", "b"], "c", name="sum"),
        node("Abs", ["c"], "out", name="last"),
    ]
    return graph(nodes, {"out": DIMS}, {"factor": np.float32(1 / 3)}, image=DIMS)


def test_an_island_has_one_cast_at_each_border() -> None:
    converted, summary = to_fp16(chain(), ("conv2", "relu2", "conv3"))
    assert _ops(converted)[:10] == [
        "Cast", "conv0", "relu0", "conv1", "relu1", "Cast", "conv2", "relu2", "conv3", "Cast",
    ]  # fmt: skip
    assert (summary.casts, summary.float_nodes, summary.float_ops) == (4, 3, ("Conv", "Relu"))


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (("first",), ["first", "Cast", "left", "right", "sum", "last", "Cast"]),
        (("last",), ["Cast", "first", "left", "right", "sum", "Cast", "last"]),
        (("left",), ["Cast", "first", "Cast", "left", "Cast", "right", "sum", "last", "Cast"]),
        (("left", "right"), ["Cast", "first", "Cast", "left", "Cast", "right", "Cast", "sum", "last", "Cast"]),
        (("left", "sum"), ["Cast", "first", "Cast", "left", "right", "Cast", "sum", "Cast", "last", "Cast"]),
    ],
)
def test_borders_are_crossed_once_for_each_tensor_and_float_neighbours_directly(
    kept: tuple[str, ...], expected: list[str]
) -> None:
    converted, _ = to_fp16(_two_paths(), kept)
    assert _ops(converted) == expected
    assert [value.name for value in converted.graph.output] == ["out"]


def test_a_graph_kept_whole_is_the_fp32_graph_again() -> None:
    model = chain()
    converted, summary = to_fp16(model, [each.name for each in model.graph.node])
    assert (summary.casts, summary.half_nodes) == (0, 0)
    exact, kept = (OnnxRuntimeRunner(each.SerializeToString()).infer(noisy()) for each in (model, converted))
    assert np.array_equal(exact["embedding"], kept["embedding"])


def test_a_weight_is_exact_for_the_island_and_half_for_the_others() -> None:
    converted, _ = to_fp16(_two_paths(), ("left", "sum"))
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in converted.graph.initializer}
    read = {each.name: held[each.input[1]] for each in converted.graph.node if each.op_type == "Mul"}
    assert read["left"] == np.float32(1 / 3)
    assert read["left"].dtype == np.float32
    assert read["right"] == np.float16(1 / 3)
    assert len(held) == 2


def test_an_exact_weight_is_shared_and_the_half_one_goes_with_its_last_reader() -> None:
    converted, _ = to_fp16(_two_paths(), ("left", "right"))
    (held,) = converted.graph.initializer
    assert (held.name, held.data_type) == ("factor_float", TensorProto.FLOAT)


def test_a_neighbour_without_a_half_form_is_reached_directly() -> None:
    nodes = [
        node("Relu", ["image"], "x", name="far"),
        node("Abs", ["x"], "y", name="near"),
        node("CumSum", ["y", "axis"], "z", name="blocked"),  # the converter leaves it in float32
        node("Abs", ["z"], "w", name="next"),
        node("Abs", ["w"], "out", name="last"),
    ]
    model = graph(nodes, {"out": DIMS}, {"axis": np.int32(0)}, image=DIMS)
    assert _ops(to_fp16(model, ("near",))[0]) == [
        "Cast",
        "far",
        "Cast",
        "near",
        "blocked",
        "Cast",
        "next",
        "last",
        "Cast",
    ]
    assert _ops(to_fp16(model, ("next",))[0]) == [
        "Cast",
        "far",
        "near",
        "Cast",
        "blocked",
        "next",
        "Cast",
        "last",
        "Cast",
    ]


def test_no_island_forms_around_a_resize_unless_it_is_asked_for() -> None:
    raw = detector()
    model = repair(raw, recognise(raw)).model
    (resize,) = (each for each in model.graph.node if each.op_type == "Resize")
    neighbour = next(each for each in model.graph.node if resize.output[0] in each.input)
    converted, _ = to_fp16(model, (neighbour.name,))
    assert tensor_types(converted)[resize.output[0]] == TensorProto.FLOAT16
    kept, summary = to_fp16(model, (resize.name,))
    assert tensor_types(kept)[resize.output[0]] == TensorProto.FLOAT
    assert summary.float_ops == ("Resize",)
    assert all(
        np.isfinite(out).all() for out in OnnxRuntimeRunner(kept.SerializeToString()).infer(pictures(2)).values()
    )
