from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from batchproof.errors import InputError
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.fp16.to_fp16 import prepared, to_fp16
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from tests.surgery import real_models
from tests.surgery.real_models import REAL_MODELS
from tests.surgery.tiny_graphs import constant, detector, graph, node, pictures


def _repaired(model: onnx.ModelProto) -> onnx.ModelProto:
    return repair(model, recognise(model)).model


def _types(model: onnx.ModelProto) -> dict[str, int]:
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    held = {tensor.name: tensor.data_type for tensor in inferred.initializer}
    return held | {value.name: value.type.tensor_type.elem_type for value in values}


def _resizes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [each for each in model.graph.node if each.op_type == "Resize"]


@pytest.mark.parametrize("fixed_resize", [False, True])
def test_a_detector_computes_in_half(fixed_resize: bool) -> None:
    model = _repaired(detector(fixed_resize=fixed_resize))
    converted, summary = to_fp16(model)
    assert summary.float_nodes == 0
    assert summary.half_nodes == len(model.graph.node)
    assert summary.casts == 1 + len(model.graph.output)  # three Convs read the image, and share a Cast
    assert list(converted.graph.input) == list(model.graph.input)
    assert list(converted.graph.output) == list(model.graph.output)
    assert not converted.graph.value_info


def test_a_resize_takes_half_pixels_and_float_scales() -> None:
    converted, _ = to_fp16(_repaired(detector()))
    types, (resize,) = _types(converted), _resizes(converted)
    assert [types[name] for name in resize.input] == [
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.FLOAT,
    ]
    assert types[resize.output[0]] == onnx.TensorProto.FLOAT16


def test_a_resize_with_constant_nodes_keeps_them_float_and_leaves_none_behind() -> None:
    nodes = [
        constant("roi", np.zeros(0, np.float32)),
        constant("scales", np.array([1, 1, 2, 2], np.float32)),
        node("Relu", ["image"], "x"),
        node("Resize", ["x", "roi", "scales"], "out"),
    ]
    converted, _ = to_fp16(graph(nodes, {"out": ["N", 3, "h", "w"]}, image=("N", 3, "H", "W")))
    types, (resize,) = _types(converted), _resizes(converted)
    assert [types[name] for name in resize.input[1:]] == [onnx.TensorProto.FLOAT] * 2
    assert "Constant" not in [each.op_type for each in converted.graph.node]


def test_scales_that_are_a_weight_too_are_kept_twice() -> None:
    nodes = [node("Mul", ["image", "numbers"], "x"), node("Resize", ["x", "roi", "numbers"], "out")]
    held = {"roi": np.zeros(0, np.float32), "numbers": np.array([1, 1, 2, 2], np.float32)}
    converted, _ = to_fp16(graph(nodes, {"out": [1, 3, 128, 8]}, held, image=(1, 3, 64, 4)))
    types, (resize,) = _types(converted), _resizes(converted)
    assert types["numbers"] == onnx.TensorProto.FLOAT16
    assert types[resize.input[2]] == onnx.TensorProto.FLOAT


def test_the_order_of_nodes_stays() -> None:
    nodes = [
        node("Sub", ["image", "mean"], "x", name="Sub_0"),
        node("Mul", ["x", "factor"], "y", name="Mul_1"),
        *(constant(f"k{index}", np.float32(index)) for index in range(9)),
        node("Clip", ["y", "k0", "k6"], "out"),
    ]
    held = {"mean": np.float32(0.5), "factor": np.float32(2)}
    converted, _ = to_fp16(graph(nodes, {"out": ["N", 3, "H", "W"]}, held, image=("N", 3, "H", "W")))
    # insightface decides by Sub and Mul among the first eight names that the graph normalises its input.
    names = [each.name for each in converted.graph.node]
    assert names[:3] == ["image_cast_to_Sub_0", "Sub_0", "Mul_1"]
    assert [name for name in names if "cast" not in name] == [each.name for each in nodes]


def test_nameless_nodes_get_names_and_share_the_cast_of_the_image() -> None:
    nodes = [
        node("Relu", ["image"], "a", name=""),
        node("Abs", ["image"], "b", name=""),
        node("Add", ["a", "b"], "out", name=""),
    ]
    converted, summary = to_fp16(graph(nodes, {"out": ["N", 3, "H", "W"]}, image=("N", 3, "H", "W")))
    names = [each.name for each in converted.graph.node]
    assert len(set(names)) == len(names)
    assert (summary.casts, summary.half_nodes) == (2, 3)


def test_the_original_stays_and_the_bytes_are_the_same_each_time() -> None:
    model = _repaired(detector(fixed_resize=True))
    before = model.SerializeToString()
    first, second = to_fp16(model)[0], to_fp16(model)[0]
    assert model.SerializeToString() == before
    assert first.SerializeToString() == second.SerializeToString()


def test_weights_are_rounded_to_the_nearest_half() -> None:
    nodes = [node("Mul", ["image", "factor"], "out")]
    factor = np.array([2.0**-26, 2.0**-24, 2e4, 1e6], np.float32)
    model = graph(nodes, {"out": [1, 3, 64, 4]}, {"factor": factor}, image=(1, 3, 64, 4))
    converted, summary = to_fp16(model)
    held = onnx.numpy_helper.to_array(next(each for each in converted.graph.initializer if each.name == "factor"))
    assert held.tolist() == [0.0, 2.0**-24, 2e4, 65504.0]
    assert (summary.underflow, summary.overflow) == (1, 1)


def test_nameless_nodes_are_kept_in_float_by_the_names_that_they_get() -> None:
    nodes = [node("Relu", ["image"], "a", name=""), node("Abs", ["a"], "out", name="")]
    model = graph(nodes, {"out": ["N", 3, "H", "W"]}, image=("N", 3, "H", "W"))
    first, second = (each.name for each in prepared(model).graph.node)
    converted, summary = to_fp16(model, (second,))
    assert (summary.half_nodes, summary.float_ops) == (1, ("Abs",))
    assert [each.name for each in converted.graph.node if each.op_type != "Cast"] == [first, second]


@pytest.mark.parametrize("name", ["Conv_99", "constant_out"])
def test_nodes_to_keep_must_be_there_and_compute_something(name: str) -> None:
    nodes = [
        onnx.helper.make_node("Constant", [], ["one"], name="constant_out", value_float=1.0),
        node("Add", ["image", "one"], "out"),
    ]
    model = graph(nodes, {"out": ["N", 3, "H", "W"]}, image=("N", 3, "H", "W"), opset=17, ir_version=8)
    with pytest.raises(InputError, match=name):
        to_fp16(model, ("Add_out", name))


def test_half_runs_close_to_float() -> None:
    model = _repaired(detector())
    images = pictures(3)
    converted = to_fp16(model)[0].SerializeToString()
    for optimised in (True, False):
        exact = OnnxRuntimeRunner(model.SerializeToString(), optimised=optimised).infer(images)
        half = OnnxRuntimeRunner(converted, optimised=optimised).infer(images)
        difference = max(float(np.max(np.abs(exact[name] - half[name]))) for name in exact)
        assert 0 < difference < 0.01


@pytest.mark.parametrize("name", REAL_MODELS)
def test_real_files_compute_in_half_without_a_resize_island(name: str, test_data: Path) -> None:
    model = _repaired(real_models.read(test_data, name))
    converted, summary = to_fp16(model)
    assert (summary.float_nodes, summary.float_ops, summary.overflow) == (0, (), 0)
    assert list(converted.graph.input) == list(model.graph.input)
    assert list(converted.graph.output) == list(model.graph.output)
    types = _types(converted)
    for resize in _resizes(converted):
        assert (types[resize.input[0]], types[resize.output[0]]) == (onnx.TensorProto.FLOAT16,) * 2
        assert all(types[held] == onnx.TensorProto.FLOAT for held in resize.input[1:3] if held)
    before = sum(each.op_type == "Cast" for each in model.graph.node)
    assert summary.casts - before == 1 + len(model.graph.output)
    spec = recognise(model).spec.input
    outputs = OnnxRuntimeRunner(converted.SerializeToString()).infer(real_models.pictures(test_data, spec, 320))
    assert all(np.isfinite(values).all() and len(values) == 3 for values in outputs.values())


def test_an_output_that_the_graph_itself_reads_is_half_inside() -> None:
    """AdaFace gives the length of an embedding, and divides by it."""
    nodes = [
        node("GlobalAveragePool", ["image"], "pooled"),
        node("ReduceL2", ["pooled"], "norm", axes=[1], keepdims=1),
        node("Div", ["pooled", "norm"], "unit"),
    ]
    model = graph(nodes, {"unit": ["N", 3, 1, 1], "norm": ["N", 1, 1, 1]}, image=("N", 3, 64, 96))
    converted, summary = to_fp16(model)
    assert (summary.float_nodes, summary.casts) == (0, 3)
    assert [value.name for value in converted.graph.output] == ["unit", "norm"]
    exact, half = (OnnxRuntimeRunner(each.SerializeToString()).infer(pictures(3)) for each in (model, converted))
    np.testing.assert_allclose(half["norm"], exact["norm"], rtol=1e-2)
    np.testing.assert_allclose(half["unit"], exact["unit"], rtol=1e-2)
