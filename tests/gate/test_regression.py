from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.gate.rules import GateRules, Slack, load_rules
from batchproof.verdict import Status, Verdict
from tests.gate.stores import DETECTOR, EMBEDDER, judged, open_rules, store, with_verdicts, without

BOX, COSINE = "parity.box_shift", "parity.embedding_cosine"
DET32, EMB16 = f"{DETECTOR}.fp32", f"{EMBEDDER}.fp16"


def slack(check: str, **values: object) -> GateRules:
    return replace(load_rules(), regression={check: Slack(**values)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("allowed", "figure", "status"),
    [
        (Slack("higher"), 0.01, None),
        (Slack("higher"), 0.0101, Status.FAIL),
        (Slack("higher"), 0.0, None),
        (Slack("higher", relative=0.5), 0.0149, None),
        (Slack("higher", relative=0.5), 0.0151, Status.FAIL),
        (Slack("higher", absolute=0.02), 0.0299, None),
        (Slack("higher", absolute=0.02), 0.0301, Status.FAIL),
        (Slack("higher", relative=0.5, absolute=0.02), 0.0299, None),
        (Slack("lower", relative=0.5), 0.0051, None),
        (Slack("lower", relative=0.5), 0.0049, Status.FAIL),
    ],
)
def test_a_figure_may_be_worse_by_its_slack(
    tmp_path: Path, allowed: Slack, figure: float, status: Status | None
) -> None:
    before = store(tmp_path)
    now = with_verdicts(before, DET32, BOX, figure=figure)
    found = judged(tmp_path, now, replace(load_rules(), regression={BOX: allowed}), before)
    assert open_rules(found) == ({(DET32, f"gate.regression.{BOX}"): status} if status else {})
    (verdict,) = [v for v in found if (v.subject, v.check) == (DET32, f"gate.regression.{BOX}")]
    assert "the baseline has 0.01" in verdict.reason
    assert verdict.figure == figure


def test_a_lower_cosine_is_worse(tmp_path: Path) -> None:
    before = store(tmp_path)
    now = with_verdicts(before, EMB16, COSINE, figure=0.9995)
    rules = slack(COSINE, worse="lower", absolute=1e-4)
    assert open_rules(judged(tmp_path, now, rules, before)) == {(EMB16, f"gate.regression.{COSINE}"): Status.FAIL}
    assert open_rules(judged(tmp_path, before, rules, now)) == {}


def test_the_worst_of_all_scenes_is_compared_whatever_they_are_called(tmp_path: Path) -> None:
    check = "probe.non_invariance"
    before = with_verdicts(store(tmp_path), DET32, f"{check}.session", figure=2e-6)
    now = with_verdicts(store(tmp_path), DET32, f"{check}.unoptimised", figure=2e-6, check=f"{check}.renamed")
    assert open_rules(judged(tmp_path, now, slack(check, worse="higher"), before)) == {}


def test_a_baseline_that_lacks_a_model_decides_nothing_about_it(tmp_path: Path) -> None:
    now = store(tmp_path)
    before = without(now, lambda record: record.subject.startswith(DETECTOR))
    before = replace(before, models={EMBEDDER: now.models[EMBEDDER]})
    assert open_rules(judged(tmp_path, now, baseline=before)) == {(DETECTOR, "gate.baseline"): Status.NOT_RUN}


def test_a_model_that_only_the_baseline_has_is_lost(tmp_path: Path) -> None:
    before = store(tmp_path)
    now = without(before, lambda record: record.subject.startswith(DETECTOR))
    now = replace(now, models={EMBEDDER: before.models[EMBEDDER]})
    assert open_rules(judged(tmp_path, now, baseline=before)) == {(DETECTOR, "gate.baseline"): Status.FAIL}


def test_a_figure_that_only_one_of_them_has_is_not_decided(tmp_path: Path) -> None:
    whole = store(tmp_path)
    part = without(whole, lambda record: (record.check, record.subject) == ("parity", DET32))
    excused = replace(slack(BOX, worse="higher"), unmeasured={DETECTOR: (BOX, "parity.landmark_shift")})
    undecided = {(DET32, f"gate.regression.{BOX}"): Status.NOT_RUN}
    assert open_rules(judged(tmp_path, whole, excused, part)) == undecided
    assert open_rules(judged(tmp_path, part, excused, whole)) == undecided


def test_a_precision_that_only_the_baseline_has_is_not_forgotten(tmp_path: Path) -> None:
    before, rules = store(tmp_path), slack(BOX, worse="higher")
    rules = replace(rules, required=replace(rules.required, precisions=("fp32",)))
    now = without(before, lambda record: record.subject == f"{DETECTOR}.fp16")
    expected = {(f"{DETECTOR}.fp16", f"gate.regression.{BOX}"): Status.NOT_RUN}
    assert open_rules(judged(tmp_path, now, rules, before)) == expected


def test_a_check_that_nobody_has_is_a_mistake_that_is_seen(tmp_path: Path) -> None:
    manifest = store(tmp_path)
    found = open_rules(judged(tmp_path, manifest, slack("parity.bax_shift", worse="higher"), manifest))
    assert found == {("models", "gate.regression.parity.bax_shift"): Status.NOT_RUN}


def test_a_store_of_detectors_needs_no_figure_of_embedders(tmp_path: Path) -> None:
    whole = store(tmp_path)
    detectors = without(whole, lambda record: record.subject.startswith(EMBEDDER))
    detectors = replace(detectors, models={DETECTOR: whole.models[DETECTOR]})
    assert open_rules(judged(tmp_path, detectors, baseline=detectors)) == {}


GAIN, RATIO = "bench.onnx.gain", "bench.pipeline.ratio.median"


def test_the_figures_of_one_pipeline_are_not_those_of_another(tmp_path: Path) -> None:
    def sped(fast: float, slow: float) -> Manifest:
        found = with_speed(whole, 2.0, fast)
        other = Record("bench", "bench.pipeline", "o+e", "k", verdicts=(Verdict(RATIO, "o+e", Status.PASS, "x", slow),))
        return replace(found, records=(*found.records, other))

    whole = store(tmp_path)
    broken = {(f"{DETECTOR}+{EMBEDDER}", f"gate.regression.{RATIO}"): Status.FAIL}
    assert open_rules(judged(tmp_path, sped(2.0, 1.5), SPEED_RULES, sped(3.0, 1.5))) == broken


def with_speed(manifest: Manifest, gain: float, ratio: float) -> Manifest:
    """What `batchproof bench` leaves: figures of a graph, and of a pipeline that belongs to no single model."""
    pair = f"{DETECTOR}+{EMBEDDER}"
    found = {
        DET32: Record("bench", "bench.onnx", DET32, "k", verdicts=(Verdict(GAIN, DET32, Status.PASS, "x", gain),)),
        pair: Record("bench", "bench.pipeline", pair, "k", verdicts=(Verdict(RATIO, pair, Status.PASS, "x", ratio),)),
    }
    return replace(manifest, records=(*manifest.records, *found.values()))


SPEED_RULES = replace(
    load_rules(), regression={GAIN: Slack("lower", relative=0.3), RATIO: Slack("lower", relative=0.3)}
)


@pytest.mark.parametrize(
    ("gain", "ratio", "broken"),
    [
        (2.0, 3.0, {}),
        (1.41, 2.11, {}),
        (1.39, 3.0, {(DET32, f"gate.regression.{GAIN}"): Status.FAIL}),
        (2.0, 2.09, {(f"{DETECTOR}+{EMBEDDER}", f"gate.regression.{RATIO}"): Status.FAIL}),
    ],
)
def test_ratios_of_speed_are_compared_with_the_baselines(
    tmp_path: Path, gain: float, ratio: float, broken: dict[tuple[str, str], Status]
) -> None:
    whole = store(tmp_path)
    before, now = with_speed(whole, 2.0, 3.0), with_speed(whole, gain, ratio)
    assert open_rules(judged(tmp_path, now, SPEED_RULES, before)) == broken


def test_speed_that_only_the_baseline_has_is_not_decided(tmp_path: Path) -> None:
    whole = store(tmp_path)
    found = open_rules(judged(tmp_path, whole, SPEED_RULES, with_speed(whole, 2.0, 3.0)))
    assert found == {
        (DET32, f"gate.regression.{GAIN}"): Status.NOT_RUN,
        (f"{DETECTOR}+{EMBEDDER}", f"gate.regression.{RATIO}"): Status.NOT_RUN,
    }


def test_the_committed_policy_asks_for_no_speed(tmp_path: Path) -> None:
    whole = store(tmp_path)
    assert open_rules(judged(tmp_path, whole, baseline=with_speed(whole, 2.0, 3.0))) == {}
    assert open_rules(judged(tmp_path, with_speed(whole, 0.1, 0.1), baseline=whole)) == {}
