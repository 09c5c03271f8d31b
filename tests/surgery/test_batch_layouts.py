from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery.batch_layouts import BatchLayouts, without_weights
from batchproof.validate.independence import BatchLayout, NoBatch, prove
from tests.surgery.tiny_graphs import detector, embedder, node_of, to_ir


def test_weights_are_declared_and_shapes_are_held() -> None:
    model = to_ir(embedder())
    before = ir.serde.serialize_model(model)
    bare = without_weights(model)
    (weight,) = bare.graph.initializer
    assert (weight.name, list(weight.dims), len(weight.raw_data)) == ("w", [16, 3, 28, 28], 0)
    assert ir.serde.serialize_model(model) == before
    assert prove(bare) == prove(before)


def test_the_batch_is_followed_and_its_loss_is_told() -> None:
    model = to_ir(detector())
    layouts = BatchLayouts.of(model)
    transpose = node_of(model, "Transpose_out_score_8_t")
    before, after = (layouts.of_value(value) for value in (transpose.inputs[0], transpose.outputs[0]))
    assert isinstance(before, BatchLayout)
    assert isinstance(after, BatchLayout)
    assert (before.axis, after.axis, after.shape) == (0, 2, "[8, 12, N, 2]")
    constant = layouts.of_value(node_of(model, "Reshape_out_score_8_r").inputs[1])
    assert constant == NoBatch("its input 'rows_1' is a constant")
