"""onnxsim and onnxslim fold shape arithmetic and rewrite the targets of Reshape; the proof sees through both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import onnxsim
import onnxslim
import pytest

from batchproof.surgery.repair import repair
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise
from tests.surgery.real_models import read
from tests.surgery.tiny_graphs import Tail, detector
from tests.validate.independence.networks import NETWORKS, exported

Simplify = Callable[[onnx.ModelProto], onnx.ModelProto]


def _slim(model: onnx.ModelProto) -> onnx.ModelProto:
    slimmed: onnx.ModelProto = onnxslim.slim(onnx.ModelProto.FromString(model.SerializeToString()))
    return slimmed


def _sim(model: onnx.ModelProto) -> onnx.ModelProto:
    simplified: onnx.ModelProto = onnxsim.simplify(model)[0]
    return simplified


simplifiers = pytest.mark.parametrize("simplify", [_sim, _slim])


@simplifiers
@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_free_stays_proven(simplify: Simplify, name: str) -> None:
    assert prove(simplify(exported(NETWORKS[name](), dynamic=True))).status is Status.PROVEN


@simplifiers
@pytest.mark.parametrize("tail", ["interleaved", "frozen"])
def test_what_loses_the_batch_stays_refuted(simplify: Simplify, tail: Tail) -> None:
    assert prove(simplify(detector(tail, fixed_resize=True))).status is Status.REFUTED


@simplifiers
@pytest.mark.parametrize("tail", ["interleaved", "frozen", "kept"])
def test_a_repaired_graph_stays_proven(simplify: Simplify, tail: Tail) -> None:
    model = detector(tail, fixed_resize=True)
    assert prove(simplify(repair(model, recognise(model)).model)).status is Status.PROVEN


@simplifiers
def test_a_fixed_input_lets_them_freeze_what_was_right(simplify: Simplify, test_data: Path) -> None:
    """The file computes its shapes, but declares a batch of one: both simplifiers believe that, and fold the shapes."""
    model = read(test_data, "scrfd_500m_kps_shapeop")
    assert prove(model).status is Status.PROVEN
    simplified = simplify(model)
    assert prove(simplified).status is Status.REFUTED
    assert prove(repair(simplified, recognise(simplified)).model).status is Status.PROVEN
