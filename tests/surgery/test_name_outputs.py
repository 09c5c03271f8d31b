from __future__ import annotations

import onnx
import onnx_ir as ir
import pytest

from batchproof.surgery.name_outputs import NameOutputs
from batchproof.surgery.passes import Reason
from batchproof.zoo.recognise import recognise
from tests.surgery.tiny_graphs import detector, node_of, to_ir

NAMES = ["score_8", "score_16", "score_32", "bbox_8", "bbox_16", "bbox_32"]


def _named(proto: onnx.ModelProto) -> tuple[ir.Model, list[Reason]]:
    model = to_ir(proto)
    return model, list(NameOutputs(recognise(proto))(model).reasons)


def _rename(proto: onnx.ModelProto, names: dict[str, str]) -> None:
    for node in proto.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*proto.graph.input, *proto.graph.output):
        value.name = names.get(value.name, value.name)
    for tensor in proto.graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)


def test_input_and_outputs_get_the_names_of_the_spec() -> None:
    model, reasons = _named(detector())
    assert [value.name for value in model.graph.inputs] == ["input"]
    assert [value.name for value in model.graph.outputs] == NAMES
    assert ("image", "is now called 'input'") in [(reason.subject, reason.sentence) for reason in reasons]


def test_node_names_stay() -> None:
    proto = detector()
    model, _ = _named(proto)
    assert [each.name for each in model.graph] == [each.name for each in proto.graph.node]


def test_outputs_are_sorted() -> None:
    proto = detector()
    swapped = [proto.graph.output[index] for index in (5, 3, 4, 1, 2, 0)]
    copies = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in swapped]
    del proto.graph.output[:]
    proto.graph.output.extend(copies)
    model, reasons = _named(proto)
    assert [value.name for value in model.graph.outputs] == NAMES
    assert reasons[-1].changed


@pytest.mark.parametrize("inner", ["c8", "w8"])
def test_an_inner_tensor_makes_way(inner: str) -> None:
    proto = detector()
    _rename(proto, {inner: "score_8"})
    model, reasons = _named(proto)
    assert model.graph.outputs[0].name == "score_8"
    assert model.graph.outputs[0].producer() is node_of(model, "Sigmoid_out_score_8")
    assert any("is now 'score_8_inner'" in reason.sentence for reason in reasons)
    onnx.checker.check_model(ir.serde.serialize_model(model))


def test_outputs_that_hold_each_others_names_are_exchanged() -> None:
    proto = detector()
    _rename(proto, {"out_score_8": "score_16", "out_score_16": "score_8"})
    model, reasons = _named(proto)
    assert [value.name for value in model.graph.outputs] == NAMES
    assert model.graph.outputs[0].producer() is node_of(model, "Sigmoid_out_score_8")
    assert [reason.subject for reason in reasons[:3]] == ["image", "score_16", "score_8"]
    onnx.checker.check_model(ir.serde.serialize_model(model))


def test_right_names_are_left() -> None:
    model, _ = _named(detector())
    proto = ir.serde.serialize_model(model)
    again = NameOutputs(recognise(proto))(model)
    assert not again.modified
