from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.passes import PassResult
from batchproof.surgery.repair import repair
from batchproof.surgery.upgrade_opset import UpgradeOpset
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise
from tests.surgery import real_models
from tests.surgery.real_models import REAL_MODELS
from tests.surgery.tiny_graphs import detector, embedder, graph, node, pictures, to_ir, weights
from tests.validate.independence.networks import NETWORKS, exported

TARGET = 17  # what our own exporter writes
FREE = ("N", 3, 8, 8)


def _upgraded(proto: onnx.ModelProto, target: int = TARGET) -> tuple[onnx.ModelProto, PassResult]:
    model = to_ir(proto)
    result = UpgradeOpset(target)(model)
    converted = ir.serde.serialize_model(model)
    onnx.checker.check_model(converted, full_check=True)
    return converted, result


def _opset(model: onnx.ModelProto) -> int:
    return next(int(each.version) for each in model.opset_import if each.domain == "")


def _difference(one: onnx.ModelProto, other: onnx.ModelProto, images: np.ndarray, *, optimised: bool = False) -> float:
    first, second = (
        OnnxRuntimeRunner(model.SerializeToString(), optimised=optimised).infer(images) for model in (one, other)
    )
    return max(float(np.max(np.abs(first[name] - second[name]))) for name in first)


def _one(op: str, opset: int, constants: dict[str, Any] | None = None, **attributes: Any) -> onnx.ModelProto:
    nodes = [node(op, ["image", *(constants or {})], "out", **attributes)]
    return graph(nodes, {"out": ["N", "C", "H", "W"]}, constants, image=FREE, opset=opset)


OLD_FORMS = {
    "clip": _one("Clip", 10, min=0.0, max=0.5),
    "slice": _one("Slice", 9, axes=[2], starts=[1], ends=[3]),
    "pad": _one("Pad", 10, pads=[0, 0, 1, 1, 0, 0, 1, 1]),
    "upsample": _one("Upsample", 9, {"scales": np.array([1, 1, 2, 2], np.float32)}),
    "resize": _one("Resize", 10, {"scales": np.array([1, 1, 1.5, 3], np.float32)}),
    "softmax": _one("Softmax", 11),
    "sum": _one("ReduceSum", 11, axes=[1]),
    "norm": _one("InstanceNormalization", 6, {"scale": np.ones(3, np.float32), "bias": np.ones(3, np.float32)}),
}


@pytest.mark.parametrize("name", OLD_FORMS)
def test_an_operator_that_changed_its_form_computes_the_same(name: str) -> None:
    converted, result = _upgraded(OLD_FORMS[name])
    assert result.modified
    assert converted.graph.output == OLD_FORMS[name].graph.output
    assert _opset(converted) == TARGET
    assert _difference(OLD_FORMS[name], converted, pictures(2, 8, 8)) == 0
    assert "" not in {each.name for each in converted.graph.node}


@pytest.mark.parametrize("name", ["clip", "slice", "pad", "upsample", "resize", "sum"])
def test_no_node_is_added_for_a_parameter(name: str) -> None:
    converted, _ = _upgraded(OLD_FORMS[name])
    assert [each.name for each in converted.graph.node] == [each.name for each in OLD_FORMS[name].graph.node]
    assert all(each.op_type != "Constant" for each in converted.graph.node)


def test_every_node_of_another_form_is_named() -> None:
    nodes = [
        node("Upsample", ["image", "scales"], "up"),
        node("Softmax", ["up"], "soft"),
        node("ReduceSum", ["soft"], "summed", axes=[1]),
        node("Relu", ["summed"], "out"),
    ]
    held = {"scales": np.array([1, 1, 2, 2], np.float32)}
    converted, result = _upgraded(graph(nodes, {"out": ["N", 1, 16, 16]}, held, image=FREE, opset=9))
    made = {name for each in converted.graph.node for name in each.output}
    assert {"up", "soft", "summed", "out"} <= made
    assert [(reason.subject.split("__v_")[0], reason.sentence) for reason in result.reasons] == [
        ("tiny", "was in opset 9, is now in 17"),
        ("Upsample_up", "was Upsample, is now Resize"),
        *((each, f"is new: a {each.split('_')[0]} that an operator beside it did itself before") for each in _SOFTMAX),
        ("ReduceSum_summed", "has inputs in place of its attributes (axes), or no longer any"),
    ]


_SOFTMAX = ("Shape", "Flatten", "Reshape_soft")


def test_names_order_and_declarations_stay() -> None:
    model = detector("kept")
    model.graph.output[0].type.tensor_type.shape.dim[1].Clear()
    model.graph.node[0].metadata_props.add(key="where", value="stem")
    converted, _ = _upgraded(model)
    assert [each.name for each in converted.graph.node] == [each.name for each in model.graph.node]
    assert [each.output for each in converted.graph.node] == [each.output for each in model.graph.node]
    assert (converted.graph.input, converted.graph.output) == (model.graph.input, model.graph.output)
    assert converted.graph.node[0].metadata_props[0].value == "stem"
    assert converted.ir_version == 8  # the first that onnx pairs with opset 17


@pytest.mark.parametrize(
    ("target", "sentence"),
    [(11, "it is in opset 11 already"), (10, "it is in opset 11, and newer operators may have no form in 10")],
)
def test_a_graph_that_is_new_enough_is_left(target: int, sentence: str) -> None:
    model = to_ir(embedder())
    result = UpgradeOpset(target)(model)
    assert not result.modified
    assert sentence in result.reasons[0].sentence
    assert model.opset_imports[""] == 11


def test_the_check_converts_nothing() -> None:
    model = to_ir(embedder())
    with pytest.raises(ir.passes.PostconditionError, match="stays in opset 11"):
        UpgradeOpset(TARGET).ensures(model)
    assert model.opset_imports[""] == 11


def test_a_second_time_changes_nothing() -> None:
    converted, _ = _upgraded(detector())
    assert not _upgraded(converted)[1].modified


@pytest.mark.parametrize("target", [0, 1000])
def test_an_opset_that_onnx_does_not_know_is_refused(target: int) -> None:
    with pytest.raises(ValueError, match="knows opsets 1 to"):
        UpgradeOpset(target)


def test_other_domains_are_left_with_a_reason() -> None:
    nodes = [node("Plain", ["image"], "x", domain="my.ops"), node("Relu", ["x"], "out")]
    model = graph(nodes, {"out": FREE}, image=FREE)
    model.opset_import.append(helper.make_opsetid("my.ops", 3))
    upgraded = to_ir(model)
    result = UpgradeOpset(TARGET)(upgraded)
    assert dict(upgraded.opset_imports) == {"": 17, "my.ops": 3}
    assert ("Plain_x", "not changed because 'my.ops' is no standard domain") in [
        (reason.subject, reason.sentence) for reason in result.reasons
    ]


@pytest.mark.parametrize("op", ["Resize", "Upsample"])
def test_old_linear_resizing_is_refused_and_not_shifted(op: str) -> None:
    model = _one(op, 10 if op == "Resize" else 9, {"scales": np.array([1, 1, 2, 2], np.float32)}, mode="linear")
    with pytest.raises(ir.passes.PostconditionError, match=f"'{op}_out': not changed because it would interpolate"):
        _upgraded(model)


def _stuck() -> onnx.ModelProto:
    """BatchNormalization over every pixel, which opset 9 dropped, between two operators that can be converted."""
    constants = {name: np.ones((3, 8, 8), np.float32) for name in ("scale", "bias", "mean", "variance")}
    nodes = [
        node("Clip", ["image"], "x", min=0.0),
        node("BatchNormalization", ["x", *constants], "y", spatial=0),
        node("Relu", ["y"], "out"),
    ]
    return graph(nodes, {"out": FREE}, constants, image=FREE, opset=8)


def test_a_node_that_cannot_be_converted_is_named_and_nothing_is_changed() -> None:
    model = to_ir(_stuck())
    result = UpgradeOpset(TARGET).call(model)
    assert [reason.subject for reason in result.reasons] == ["BatchNormalization_y"]
    assert "onnx cannot convert it to opset 17 (Attribute spatial" in result.reasons[0].sentence
    assert ir.serde.serialize_model(model) == ir.serde.serialize_model(to_ir(_stuck()))
    with pytest.raises(ir.passes.PostconditionError, match="stays in opset 8: 'BatchNormalization_y'"):
        UpgradeOpset(TARGET)(model)


@pytest.mark.parametrize("batch", [1, "N"])
def test_a_conversion_that_fails_or_does_not_fit_together_is_not_taken(batch: int | str) -> None:
    """Onnx gives the Unsqueeze that it adds here axes that do not fit, and needs known sizes even for that."""
    image = (batch, 3, 8, 8)
    nodes = [node("Add", ["image", "channels"], "out", broadcast=1, axis=1)]
    model = graph(nodes, {"out": image}, {"channels": np.ones(3, np.float32)}, image=image, opset=6)
    with pytest.raises(ir.passes.PostconditionError, match="stays in opset 6: 'tiny'"):
        _upgraded(model)


def test_local_functions_are_not_lost() -> None:
    nodes = [helper.make_node("Twice", ["image"], ["out"], name="twice", domain="local")]
    model = graph(nodes, {"out": FREE}, image=FREE)
    model.ir_version = 8
    body = [helper.make_node("Add", ["x", "x"], ["y"])]
    model.functions.append(helper.make_function("local", "Twice", ["x"], ["y"], body, [helper.make_opsetid("", 11)]))
    model.opset_import.append(helper.make_opsetid("local", 1))
    with pytest.raises(ir.passes.PostconditionError, match="inline them first"):
        _upgraded(model)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_torch_exports_stays_proven_and_the_same(name: str) -> None:
    model = exported(NETWORKS[name](), dynamic=True, opset=11)
    converted, _ = _upgraded(model)
    assert prove(converted).status is prove(model).status is Status.PROVEN
    images = pictures(3, 32, 32).reshape(
        3, *(dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:])
    )
    assert _difference(model, converted, images) < 1e-6


@pytest.mark.parametrize("name", REAL_MODELS)
@pytest.mark.parametrize("target", [13, 17, 18])
def test_real_files_stay_the_same_bit_for_bit(name: str, target: int, test_data: Path) -> None:
    model = real_models.read(test_data, name)
    converted, _ = _upgraded(model, target)
    assert [each.name for each in converted.graph.node] == [each.name for each in model.graph.node]
    images = real_models.pictures(test_data, recognise(model).spec.input)[:1]
    for optimised in (True, False):
        assert _difference(model, converted, images, optimised=optimised) == 0


@pytest.mark.parametrize("name", REAL_MODELS)
def test_a_real_file_is_repaired_after_it_as_before(name: str, test_data: Path) -> None:
    converted, _ = _upgraded(real_models.read(test_data, name))
    assert prove(repair(converted, recognise(converted)).model).status is Status.PROVEN


def test_the_same_graph_gives_the_same_bytes() -> None:
    first, second = _upgraded(OLD_FORMS["softmax"])[0], _upgraded(OLD_FORMS["softmax"])[0]
    assert first.SerializeToString() == second.SerializeToString()


def test_weights_are_not_touched() -> None:
    model = _one("Clip", 10, min=0.0)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights((4, 4)), "held"))
    converted, _ = _upgraded(model)
    assert next(each for each in converted.graph.initializer if each.name == "held") == model.graph.initializer[0]
