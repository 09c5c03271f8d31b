from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from batchproof.policy import load_policy
from batchproof.surgery.check_fold import check_fold
from batchproof.surgery.fold_normalisation import fold
from batchproof.surgery.raw_input import RawInput
from batchproof.surgery.repair import repair
from batchproof.surgery.shapes import ImageSize
from batchproof.verdict import Status, Verdict
from batchproof.zoo.recognise import recognise
from tests.surgery.tiny_graphs import detector, embedder

RAW = RawInput("uint8", "NHWC", "BGR")


def _checked(original: onnx.ModelProto, folded: onnx.ModelProto) -> list[Verdict]:
    limits = load_policy(None).surgery
    return check_fold(original, folded, recognise(original), RAW, ImageSize(64, 96), limits=limits, subject="tiny")


@pytest.mark.parametrize("build", [detector, embedder])
def test_a_folded_graph_is_exact(build: Callable[[], onnx.ModelProto]) -> None:
    model = repair(build(), recognise(build())).model
    verdicts = _checked(model, fold(model, recognise(model), RAW)[0])
    assert [verdict.check for verdict in verdicts] == [
        "surgery.raw_equals_blob.optimised",
        "surgery.raw_equals_blob.unoptimised",
    ]
    assert [(verdict.status, verdict.figure) for verdict in verdicts] == [(Status.PASS, 0.0)] * 2


@pytest.mark.parametrize("constant", ["Sub_mean_value", "Mul_std_value"])
def test_a_wrong_constant_is_seen(constant: str) -> None:
    model = repair(detector(), recognise(detector())).model
    folded, _ = fold(model, recognise(model), RAW)
    held = next(tensor for tensor in folded.graph.initializer if tensor.name == constant)
    wrong = onnx.numpy_helper.to_array(held) * np.float32(1.01)
    held.CopyFrom(onnx.numpy_helper.from_array(np.asarray(wrong, np.float32), constant))
    assert [verdict.status for verdict in _checked(model, folded)] == [Status.FAIL] * 2


def test_exchanged_colours_are_seen() -> None:
    model = repair(detector(), recognise(detector())).model
    folded, _ = fold(model, recognise(model), RawInput("uint8", "NHWC", "RGB"))
    assert [verdict.status for verdict in _checked(model, folded)] == [Status.FAIL] * 2
