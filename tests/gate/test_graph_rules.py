from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.gate.rules import load_rules
from batchproof.verdict import Status, Verdict
from tests.gate.stores import DETECTOR, EMBEDDER, judged, open_rules, store, with_verdicts, without

DET16 = f"{DETECTOR}.fp16"


@pytest.mark.parametrize(
    ("subject", "check", "figure", "rule"),
    [
        (DET16, "probe.contamination.session", 1e-30, "gate.contamination"),
        (f"{DETECTOR}.fp32", "probe.non_invariance.unoptimised", 2e-4, "gate.non_invariance"),
        (f"{EMBEDDER}.fp16", "parity.embedding_cosine", 0.99, "gate.min_cosine"),
        (f"{DETECTOR}.fp32", "parity.box_shift", 0.06, "gate.box_shift_px"),
        (DET16, "parity.landmark_shift", math.inf, "gate.landmark_shift_px"),
        (DET16, "surgery.casts", 17.0, "gate.island_casts"),
    ],
)
def test_a_figure_beyond_its_limit_fails_whatever_the_run_said(
    tmp_path: Path, subject: str, check: str, figure: float, rule: str
) -> None:
    manifest = with_verdicts(store(tmp_path), subject, check, figure=figure, witness="slot 3")
    found = judged(tmp_path, manifest)
    assert open_rules(found) == {(subject, rule): Status.FAIL}
    (verdict,) = [verdict for verdict in found if not verdict]
    assert (verdict.figure, verdict.witness) == (figure, "slot 3")
    assert verdict.reason.startswith(f"{check}")


def test_a_good_store_keeps_every_rule_and_each_graph_is_asked_for_what_it_has(tmp_path: Path) -> None:
    found = judged(tmp_path, store(tmp_path))
    assert open_rules(found) == {}
    limits = {verdict.check for verdict in found if verdict.subject == f"{EMBEDDER}.fp32"}
    assert "gate.min_cosine" in limits
    assert not {"gate.box_shift_px", "gate.island_casts"} & limits


@pytest.mark.parametrize("figure", [None, math.nan])
def test_a_figure_that_was_not_measured_is_not_decided(tmp_path: Path, figure: float | None) -> None:
    manifest = with_verdicts(
        store(tmp_path), DET16, "parity.box_shift", figure=figure, status=Status.NOT_RUN, reason="no face"
    )
    found = judged(tmp_path, manifest)
    assert open_rules(found) == {(DET16, "gate.box_shift_px"): Status.NOT_RUN}
    assert [verdict.reason for verdict in found if not verdict] == ["no face"]


def test_one_scene_without_a_figure_leaves_the_limit_undecided_but_cannot_hide_a_failure(tmp_path: Path) -> None:
    scene = "probe.non_invariance.session"
    manifest = with_verdicts(store(tmp_path), DET16, scene, figure=None)
    assert open_rules(judged(tmp_path, manifest)) == {(DET16, "gate.non_invariance"): Status.NOT_RUN}
    manifest = with_verdicts(manifest, DET16, "probe.non_invariance.unoptimised", figure=1.0)
    assert open_rules(judged(tmp_path, manifest)) == {(DET16, "gate.non_invariance"): Status.FAIL}


def test_a_step_that_never_ran_leaves_its_limits_undecided(tmp_path: Path) -> None:
    manifest = without(store(tmp_path), lambda record: (record.check, record.subject) == ("parity", DET16))
    expected = dict.fromkeys([(DET16, "gate.box_shift_px"), (DET16, "gate.landmark_shift_px")], Status.NOT_RUN)
    assert open_rules(judged(tmp_path, manifest)) == expected


def test_a_model_may_be_excused_from_a_figure_that_nobody_can_measure_but_not_from_its_limit(tmp_path: Path) -> None:
    excused = replace(load_rules(), unmeasured={DETECTOR: ("parity.box_shift",)})
    manifest = store(tmp_path)
    unmeasured = with_verdicts(manifest, DET16, "parity.box_shift", figure=None, status=Status.NOT_RUN)
    assert open_rules(judged(tmp_path, unmeasured, excused)) == {}
    bad = with_verdicts(manifest, DET16, "parity.box_shift", figure=9.0)
    assert open_rules(judged(tmp_path, bad, excused)) == {(DET16, "gate.box_shift_px"): Status.FAIL}


@pytest.mark.parametrize("status", [Status.NOT_RUN, Status.UNKNOWN, Status.REFUTED])
def test_a_required_proof_that_is_not_proven_fails(tmp_path: Path, status: Status) -> None:
    found = judged(tmp_path, with_verdicts(store(tmp_path), DET16, "proof", status=status, witness="Reshape_7"))
    broken = {rule for rule, what in open_rules(found).items() if what is Status.FAIL}
    assert broken == {(DET16, "gate.required.proof"), *({(DETECTOR, "gate.failures")} if status.is_failure else ())}
    (told,) = [verdict.witness for verdict in found if verdict.check == "gate.required.proof" and not verdict]
    assert told == f"proof {status.value}: every row is its own frame's (witness: Reshape_7)"


def test_a_proven_graph_is_proven(tmp_path: Path) -> None:
    proofs = [verdict for verdict in judged(tmp_path, store(tmp_path)) if verdict.check == "gate.required.proof"]
    assert [verdict.status for verdict in proofs] == [Status.PROVEN] * 4


def test_a_backend_that_is_required_must_have_been_built_for_every_graph(tmp_path: Path) -> None:
    rules = load_rules()
    rules = replace(rules, required=replace(rules.required, checks=("build.rtx.executes",)))
    manifest = store(tmp_path)
    found = open_rules(judged(tmp_path, manifest, rules))
    assert found == {
        (f"{model}.{precision}", "gate.required.build.rtx.executes"): Status.FAIL
        for model in manifest.models
        for precision in ("fp32", "fp16")
    }


def test_no_run_of_one_check_is_taken_for_another_with_a_longer_name(tmp_path: Path) -> None:
    """`build.ortho` would be another target than `build.ort`."""
    manifest = with_verdicts(store(tmp_path), DET16, "build.ort", check="build.ortho.equals_onnx")
    assert open_rules(judged(tmp_path, manifest)) == {(DET16, "gate.required.build.ort"): Status.FAIL}


def test_a_precision_that_is_required_must_be_there_and_one_that_is_not_is_judged_all_the_same(tmp_path: Path) -> None:
    manifest = store(tmp_path)
    half_gone = without(manifest, lambda record: record.subject == DET16)
    found = open_rules(judged(tmp_path, half_gone))
    assert found[DET16, "gate.required.proof"] is Status.FAIL
    rules = load_rules()
    only_full = replace(rules, required=replace(rules.required, precisions=("fp32",)))
    assert open_rules(judged(tmp_path, half_gone, only_full)) == {}
    bad = with_verdicts(manifest, DET16, "probe.contamination", figure=1.0)
    assert open_rules(judged(tmp_path, bad, only_full)) == {(DET16, "gate.contamination"): Status.FAIL}


def test_verdicts_of_the_gate_never_pass_what_is_unproven(tmp_path: Path) -> None:
    found: list[Verdict] = judged(tmp_path, replace(store(tmp_path), records=()))
    assert {verdict.status for verdict in found if "required" in verdict.check} == {Status.FAIL}
    assert {verdict.status for verdict in found if verdict.check == "gate.contamination"} == {Status.NOT_RUN}
