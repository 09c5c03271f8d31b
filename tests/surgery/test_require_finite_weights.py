from __future__ import annotations

from collections.abc import Callable

import onnx
import onnx_ir as ir
import pytest

from batchproof.surgery.require_finite_weights import RequireFiniteWeights
from tests.broken.graphs import infinite_weights, nan_in_constant_node, nan_weights, sound
from tests.surgery.tiny_graphs import to_ir


def test_sound_weights_pass_unchanged() -> None:
    result = RequireFiniteWeights()(to_ir(sound()))
    assert not result.modified
    assert [reason.sentence for reason in result.reasons] == ["not changed because all weights are finite"]


@pytest.mark.parametrize(
    ("build", "name"), [(nan_weights, "w"), (infinite_weights, "w"), (nan_in_constant_node, "bad")]
)
def test_a_weight_that_is_no_number_is_named_and_stops_the_repair(
    build: Callable[[], onnx.ModelProto], name: str
) -> None:
    model = to_ir(build())
    (reason,) = RequireFiniteWeights().call(model).reasons
    assert (reason.subject, reason.changed) == (name, False)
    assert "only the training knows" in reason.sentence
    with pytest.raises(ir.passes.PostconditionError, match=f"the weights hold NaN or Inf: '{name}'$"):
        RequireFiniteWeights()(model)


def test_many_are_counted() -> None:
    model = nan_weights()
    for index in range(4):
        model.graph.initializer.add().CopyFrom(model.graph.initializer[0])
        model.graph.initializer[-1].name = f"w{index}"
    with pytest.raises(ir.passes.PostconditionError, match="'w', 'w0', 'w1' and 2 more"):
        RequireFiniteWeights()(to_ir(model))
