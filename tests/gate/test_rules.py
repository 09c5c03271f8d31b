from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.gate.rules import DEFAULT_RULES, load_rules
from batchproof.policy import load_policy


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = DEFAULT_RULES.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "gate.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_committed_rules_ask_for_proofs_and_no_contamination() -> None:
    rules = load_rules()
    assert "proof" in rules.required.checks
    assert rules.required.precisions == ("fp32", "fp16")
    assert rules.fp32.contamination == rules.fp16.contamination == 0
    assert rules.licence.acknowledged == {}


def test_the_committed_limits_are_those_that_a_run_is_judged_by() -> None:
    rules, policy = load_rules(), load_policy()
    for limits, run in ((rules.fp32, policy.fp32), (rules.fp16, policy.fp16)):
        assert limits.contamination == run.probe.contamination
        assert limits.non_invariance == run.probe.non_invariance
        assert limits.box_shift_px == run.detector.box_shift_px
        assert limits.landmark_shift_px == run.detector.landmark_shift_px
        assert limits.min_cosine == run.embedder.min_cosine
    assert rules.fp16.island_casts == policy.fp16_graph.island_casts


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("expected = []", "expected = []\nexpectd = []", "models.expectd: Unexpected"),
        ("[fp16]", "[int8]\ncontamination = 0\n[fp16]", "int8: Unexpected"),
        ("min_cosine = 0.99999", "min_cosine = 0.99999\nisland_casts = 1", "fp32.island_casts: Unexpected"),
        ("contamination = 0.0", "", "fp32.contamination: "),
        ("contamination = 0.0", "contamination = nan", "fp32.contamination: "),
        ("contamination = 0.0", "contamination = -1.0", "fp32.contamination: Input should be greater"),
        ('precisions = ["fp32", "fp16"]', "precisions = []", "required.precisions: Tuple should have at least 1"),
        ('precisions = ["fp32", "fp16"]', 'precisions = ["int8"]', "required.precisions.0: "),
        ('worse = "higher"', 'worse = "more"', "regression.probe.non_invariance.worse: "),
        ('worse = "higher", relative', 'worse = "higher", relativ', "regression.probe.non_invariance.relativ: "),
        ("[unmeasured]", "[unmeasured]\na = 'proof'", "unmeasured.a: "),
    ],
)
def test_each_fault_is_named_by_its_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        load_rules(changed(tmp_path, old, new))
    assert named in caught.value.line()
    assert "gate policy refused" in caught.value.line()
