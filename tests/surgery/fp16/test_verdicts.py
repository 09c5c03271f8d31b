from __future__ import annotations

import numpy as np
import onnx
import pytest

from batchproof.policy import DetectorLimits, EmbedderLimits, Fp16GraphLimits
from batchproof.surgery.fp16.half_range import Peak
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.fp16.verdicts import (
    cast_verdict,
    figure_verdicts,
    graph_verdicts,
    island_casts,
    planned_verdict,
    range_verdict,
)
from batchproof.verdict import Status
from tests.surgery.fp16.half_chains import chain
from tests.surgery.tiny_graphs import graph, node

EMBEDDER = EmbedderLimits(min_cosine=0.999, max_abs=0.1)
DETECTOR = DetectorLimits(0.02, 0.5, 0.5, 0, 1.0, 0.5, 0.01)


@pytest.mark.parametrize(
    ("cosine", "difference", "expected"),
    [
        (0.9995, 0.05, (Status.PASS, Status.PASS)),
        (0.9985, 0.05, (Status.FAIL, Status.PASS)),
        (0.9995, 0.15, (Status.PASS, Status.FAIL)),
        (-np.inf, np.inf, (Status.FAIL, Status.FAIL)),
    ],
)
def test_the_cosine_must_be_high_and_the_difference_low(
    cosine: float, difference: float, expected: tuple[Status, Status]
) -> None:
    figures = {"min_cosine": cosine, "mean_cosine": 1.0, "max_abs": difference}
    verdicts = list(figure_verdicts(figures, EMBEDDER, "mbf.fp16", "8 pictures"))
    assert [verdict.check for verdict in verdicts] == ["surgery.fp16.min_cosine", "surgery.fp16.max_abs"]
    assert tuple(verdict.status for verdict in verdicts) == expected
    assert all("8 pictures" in verdict.reason for verdict in verdicts)


def test_what_no_face_can_tell_is_not_run() -> None:
    figures = {"raw_score": 0.001, "raw_bbox": 0.6, "matched_faces": 0.0, "unmatched_faces": 0.0}
    verdicts = {verdict.check: verdict for verdict in figure_verdicts(figures, DETECTOR, "det", "noise")}
    statuses = {check.rsplit(".", 1)[1]: verdict.status for check, verdict in verdicts.items()}
    assert statuses == {
        "raw_score": Status.PASS,
        "raw_bbox": Status.FAIL,
        "raw_kps": Status.NOT_RUN,
        "unmatched_faces": Status.PASS,
        "box_shift_px": Status.NOT_RUN,
        "landmark_shift_px": Status.NOT_RUN,
        "score_shift": Status.NOT_RUN,
    }


@pytest.mark.parametrize(
    ("kept", "casts", "status"),
    [((), 0, Status.PASS), (("conv2",), 2, Status.PASS), (("conv1", "conv3", "conv4"), 6, Status.FAIL)],
)
def test_casts_at_islands_are_counted_and_limited(kept: tuple[str, ...], casts: int, status: Status) -> None:
    model = chain()
    converted, summary = to_fp16(model, kept)
    assert island_casts(converted, model) == casts
    verdict = cast_verdict(converted, model, summary, 4, "mbf.fp16")
    assert (verdict.check, verdict.figure, verdict.threshold, verdict.status) == ("surgery.casts", casts, 4, status)
    assert f"{2 + casts} in all, for 1 input(s), 1 output(s) and {len(kept)} node(s) in FP32" in verdict.reason


def test_casts_of_the_original_do_not_count() -> None:
    nodes = [
        node("Shape", ["image"], "long"),
        node("Cast", ["long"], "short", to=onnx.TensorProto.INT32),
        node("Cast", ["short"], "target", to=onnx.TensorProto.INT64),
        node("Relu", ["image"], "x"),
        node("Reshape", ["x", "target"], "y"),
        node("Abs", ["y"], "out"),
    ]
    dims = ("N", 3, 64, 96)
    model = graph(nodes, {"out": dims}, image=dims)
    converted, summary = to_fp16(model)
    assert (summary.casts, island_casts(converted, model)) == (4, 0)
    assert island_casts(to_fp16(model, ("Reshape_y",))[0], model) == 2


def test_an_island_that_reaches_an_input_saves_a_cast_and_none_is_owed() -> None:
    model = chain()
    assert island_casts(to_fp16(model, ("conv0",))[0], model) == 0
    assert island_casts(to_fp16(model, [each.name for each in model.graph.node])[0], model) == 0


def test_how_much_is_half_is_judged_by_the_policy_and_not_by_the_plan() -> None:
    model = chain()
    everything = [each.name for each in model.graph.node]
    limits = Fp16GraphLimits(half_share=0.5, island_casts=16, overflowing_weights=0, largest_activation=65504)
    for kept, status in (((), Status.PASS), (everything, Status.FAIL)):
        converted, summary = to_fp16(model, kept)
        found = {each.check: each for each in graph_verdicts(converted, model, summary, limits, "mbf.fp16")}
        assert found["surgery.half_share"].status is status
        assert planned_verdict(summary, len(kept), "mbf.fp16")
        assert not planned_verdict(summary, len(kept) + 1, "mbf.fp16")


@pytest.mark.parametrize(("peak", "status"), [(100.0, Status.PASS), (101.0, Status.FAIL), (np.inf, Status.FAIL)])
def test_the_headroom_below_the_largest_half_is_the_policy_s(peak: float, status: Status) -> None:
    limits = Fp16GraphLimits(half_share=0.5, island_casts=16, overflowing_weights=0, largest_activation=100)
    verdict = range_verdict(Peak(peak, "conv1_out"), limits, "8 pictures", "mbf.fp16")
    assert (verdict.status, verdict.witness) == (status, "conv1_out")
