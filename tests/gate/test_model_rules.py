from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.gate.model_rules import judge_sizes
from batchproof.gate.part import Part
from batchproof.gate.rules import DEFAULT_RULES, GateRules, load_rules
from batchproof.verdict import Status
from tests.gate.stores import DETECTOR, judged, open_rules, store

INSIGHTFACE = "InsightFace pretrained weights: non-commercial research only"
LICENCE = (DETECTOR, "gate.licence")


def licensed(manifest: Manifest, licence: str) -> Manifest:
    entry = replace(manifest.models[DETECTOR], licence=licence)
    return replace(manifest, models={**manifest.models, DETECTOR: entry})


def acknowledging(**licences: str) -> GateRules:
    rules = load_rules()
    return replace(rules, licence=replace(rules.licence, acknowledged=licences))


@pytest.mark.parametrize("licence", [INSIGHTFACE, "unknown: not a file that InsightFace published", "", "MIT-like"])
def test_a_licence_that_is_not_free_fails_until_it_is_acknowledged(tmp_path: Path, licence: str) -> None:
    manifest = licensed(store(tmp_path), licence)
    assert open_rules(judged(tmp_path, manifest)) == {LICENCE: Status.FAIL}
    rules = acknowledging(**{DETECTOR: licence})
    assert open_rules(judged(tmp_path, manifest, rules)) == {}


def test_an_acknowledgement_is_of_one_licence_of_one_model(tmp_path: Path) -> None:
    manifest = licensed(store(tmp_path), INSIGHTFACE)
    for rules in (acknowledging(**{DETECTOR: "unknown"}), acknowledging(other=INSIGHTFACE)):
        assert open_rules(judged(tmp_path, manifest, rules)) == {LICENCE: Status.FAIL}


@pytest.mark.parametrize("licence", ['so "called"\\', "line\nbreak", "смайлик 😀"])
def test_the_gate_tells_the_line_that_acknowledges(tmp_path: Path, licence: str) -> None:
    manifest = licensed(store(tmp_path), licence)
    (verdict,) = [verdict for verdict in judged(tmp_path, manifest) if not verdict]
    line = verdict.reason.partition("policy: ")[2]
    table = "[licence.acknowledged]\n"
    policy = tmp_path / "gate.toml"
    policy.write_text(DEFAULT_RULES.read_text(encoding="utf-8").replace(table, f"{table}{line}\n"), encoding="utf-8")
    assert open_rules(judged(tmp_path, manifest, load_rules(policy))) == {}


def test_models_that_are_expected_must_be_there(tmp_path: Path) -> None:
    rules = load_rules()
    rules = replace(rules, models=replace(rules.models, expected=(DETECTOR, "det_10g")))
    found = judged(tmp_path, store(tmp_path), rules)
    assert open_rules(found) == {("det_10g", "gate.expected"): Status.FAIL}
    assert any(verdict and (verdict.subject, verdict.check) == (DETECTOR, "gate.expected") for verdict in found)


def test_a_store_without_models_is_not_fine(tmp_path: Path) -> None:
    assert open_rules(judged(tmp_path, Manifest("models"))) == {("models", "gate.models"): Status.FAIL}


def test_the_largest_file_of_a_kind_is_judged(tmp_path: Path) -> None:
    manifest, rules = store(tmp_path), load_rules()
    session = (tmp_path / f"build/ort/{DETECTOR}.fp32.ort").stat().st_size
    for limit, expected in ((session, {}), (session - 1, {(DETECTOR, "gate.bytes.ort"): Status.FAIL})):
        tight = replace(rules, bytes=replace(rules.bytes, ort=limit))
        assert open_rules(judged(tmp_path, manifest, tight)) == expected


def test_a_file_that_grew_since_the_baseline_fails(tmp_path: Path) -> None:
    manifest = store(tmp_path)
    grown = [replace(record, artifacts=tuple(map(_half, record.artifacts))) for record in manifest.records]
    before = replace(manifest, records=tuple(grown))
    found = open_rules(judged(tmp_path, manifest, baseline=before))
    assert set(found) == {(model, f"gate.growth.{kind}") for model in manifest.models for kind in ("onnx", "ort")}
    assert open_rules(judged(tmp_path, manifest, baseline=manifest)) == {}


def _half(artifact: Artifact) -> Artifact:
    return replace(artifact, bytes=artifact.bytes // 2)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("build/rtx/det.fp16.engine", "engine"),
        ("build/triton-26.07/det/1/model.plan", "engine"),
        ("build/rtx/det.fp16.engine.json", "other"),
        ("build/ort/det.fp16.ort", "ort"),
        ("surgery/det.fp16.onnx", "onnx"),
    ],
)
def test_every_file_is_of_a_kind(path: str, kind: str) -> None:
    record = Record("build", "build", "det.fp16", "key", artifacts=(Artifact(path, "0", 5), Artifact(path, "1", 7)))
    (verdict,) = judge_sizes([Part("det", "fp16", (record,))], load_rules().bytes, "det")
    assert (verdict.check, verdict.figure, verdict.witness) == (f"gate.bytes.{kind}", 7, path)


def test_measurements_of_speed_are_no_part_of_a_model() -> None:
    record = Record("bench", "bench.ort", "det.fp16", "k", artifacts=(Artifact("bench/det.fp16.ort.json", "x", 7),))
    assert not list(judge_sizes([Part("det", "fp16", (record,))], load_rules().bytes, "det"))
