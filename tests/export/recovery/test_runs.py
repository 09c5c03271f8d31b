from __future__ import annotations

import numpy as np
import pytest

from batchproof.export.recovery.differences import DifferenceError
from batchproof.export.recovery.layers import LayerGraph
from batchproof.export.recovery.runs import Run, run_behind, scale_and_shift
from tests.export.recovery.test_layers import graph, node


def run(layers: LayerGraph) -> Run:
    return run_behind(layers, "y", lambda _: True)


def norm(variance: list[float]) -> LayerGraph:
    nodes = [node("BatchNormalization", "x,weight,bias,mean,variance", "y", epsilon=0.5)]
    return graph(nodes, weight=[2, 2], bias=[1, 1], mean=[3, 3], variance=variance)


def test_a_norm_scales_and_shifts() -> None:
    layers = norm([3.5, 15.5])
    scale, shift = scale_and_shift(run(layers), layers.constants)
    np.testing.assert_allclose(scale, [1, 0.5])
    np.testing.assert_allclose(shift, [-2, -0.5])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("variance", [[1, -1], [1, -0.5]])
def test_a_norm_that_divides_by_nothing_real_is_named(variance: list[float]) -> None:
    layers = norm(variance)
    with pytest.raises(DifferenceError, match="its BatchNormalization 'the BatchNormalization' has a variance that is"):
        scale_and_shift(run(layers), layers.constants)


def test_what_stands_behind_another_is_applied_after_it() -> None:
    layers = graph([node("Add", "x,two", "sum"), node("Mul", "sum,three", "y")], two=2, three=3)
    scale, shift = scale_and_shift(run(layers), layers.constants)
    assert (scale.tolist(), shift.tolist()) == ([3], [6])


def test_a_run_ends_where_a_layer_takes_two_values() -> None:
    layers = graph([node("Relu", "x", "a"), node("Add", "x,a", "b"), node("Mul", "b,two", "y")], two=2)
    found = run(layers)
    assert ([layer.kind for layer in found.layers], found.source, found.linear) == (["Mul"], "b", None)
