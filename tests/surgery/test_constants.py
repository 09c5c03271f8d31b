from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from batchproof.surgery import constants
from tests.surgery.tiny_graphs import constant, graph, node, node_of, tensor, to_ir


def _two_readers() -> onnx.ModelProto:
    nodes = [
        node("Reshape", ["image", "target"], "first"),
        node("Reshape", ["image", "target"], "second"),
    ]
    return graph(nodes, {"first": None, "second": None}, {"target": [1, -1]})


def test_an_initialiser_of_one_reader_is_changed_in_place() -> None:
    model = to_ir(_two_readers())
    readers = [node_of(model, "Reshape_first"), node_of(model, "Reshape_second")]
    target = model.graph.initializers["target"]
    assert constants.rewrite(model.graph, target, np.array([0, -1]), readers=readers) is target
    content = constants.read(target)
    assert content is not None
    assert content.tolist() == [0, -1]


def test_an_initialiser_with_another_reader_stays() -> None:
    model = to_ir(_two_readers())
    target = model.graph.initializers["target"]
    new = constants.rewrite(model.graph, target, np.array([0, -1]), readers=[node_of(model, "Reshape_first")])
    assert new.name == "target_batch"
    content = constants.read(target)
    assert content is not None
    assert content.tolist() == [1, -1]


def test_a_constant_node_keeps_its_place_and_its_type_follows() -> None:
    nodes = [constant("target", [1, -1]), node("Reshape", ["image", "target"], "rows")]
    model = to_ir(graph(nodes, {"rows": None}))
    target = node_of(model, "Constant_target").outputs[0]
    new = constants.rewrite(model.graph, target, np.array([2.5], np.float32), readers=[node_of(model, "Reshape_rows")])
    assert new is target
    content = constants.read(target)
    assert content is not None
    assert content.tolist() == [2.5]
    assert len(model.graph) == 2


def test_a_weight_that_the_caller_may_replace_is_no_constant() -> None:
    proto = _two_readers()
    proto.graph.input.append(tensor("target", [2], onnx.TensorProto.INT64))
    assert constants.read(to_ir(proto).graph.initializers["target"]) is None


@pytest.mark.parametrize("attribute", [{"value_ints": [1, -1]}, {"value": numpy_helper.from_array(np.array([1, -1]))}])
def test_constant_nodes_are_read_in_every_form(attribute: dict[str, Any]) -> None:
    nodes = [node("Constant", [], "target", **attribute), node("Reshape", ["image", "target"], "rows")]
    model = to_ir(graph(nodes, {"rows": None}, opset=13))
    content = constants.read(node_of(model, "Constant_target").outputs[0])
    assert content is not None
    assert content.tolist() == [1, -1]


def test_absent_inputs_and_computed_ones_are_no_constants() -> None:
    model = to_ir(_two_readers())
    first = node_of(model, "Reshape_first")
    assert constants.read(constants.input_of(first, 5)) is None
    assert constants.read(first.outputs[0]) is None


def test_fresh_names_avoid_every_tensor() -> None:
    model = to_ir(_two_readers())
    assert constants.fresh_name(model.graph, "new") == "new"
    assert constants.fresh_name(model.graph, "first") == "first_1"
    constants.add(model.graph, "first", np.array([1]))
    assert constants.fresh_name(model.graph, "first") == "first_2"
