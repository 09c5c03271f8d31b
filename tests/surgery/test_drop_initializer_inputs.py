from __future__ import annotations

import onnx

from batchproof.surgery.drop_initializer_inputs import DropInitializerInputs
from tests.surgery.tiny_graphs import embedder, tensor, to_ir


def _version_3() -> onnx.ModelProto:
    model = embedder()
    model.ir_version = 3
    model.graph.input.append(tensor("w", [16, 3, 28, 28]))
    return model


def test_weights_leave_the_inputs() -> None:
    model = to_ir(_version_3())
    result = DropInitializerInputs()(model)
    assert [value.name for value in model.graph.inputs] == ["image"]
    assert [reason.subject for reason in result.reasons] == ["w", "tiny"]


def test_the_ir_version_rises_to_one_that_allows_this() -> None:
    model = to_ir(_version_3())
    DropInitializerInputs()(model)
    assert model.ir_version == 4


def test_a_newer_file_stays_as_it_is() -> None:
    model = to_ir(embedder())
    result = DropInitializerInputs()(model)
    assert not result.modified
    assert model.ir_version == 6
    assert result.reasons[0].sentence == "not changed because no weight is listed as an input"
