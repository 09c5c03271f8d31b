from __future__ import annotations

import numpy as np
import pytest

from batchproof.policy import load_policy
from batchproof.runtime import Outputs
from batchproof.validate.raw_parity import raw_verdicts
from batchproof.verdict import Status, Verdict
from tests.pipeline.tiny_scrfd import BOXES_ONLY, SPEC

LIMITS = load_policy().fp32.detector


def outputs(batch: int) -> Outputs:
    return {output.name: np.zeros((batch, 6, output.channels), np.float32) for output in SPEC.outputs}


def judged(batched: Outputs) -> dict[str, Verdict]:
    found = raw_verdicts([outputs(1), outputs(1)], batched, SPEC, ["a.jpg", "b.jpg"], "model", LIMITS)
    return {verdict.check: verdict for verdict in found}


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_a_difference_is_found_and_named(value: float) -> None:
    batched = outputs(2)
    batched["bbox_16"][1, 4, 2] = value
    found = judged(batched)
    assert found["parity.raw_bbox"].status is Status.FAIL
    assert found["parity.raw_bbox"].witness == "b.jpg, output 'bbox_16'"
    assert found["parity.raw_score"].status is Status.PASS
    assert found["parity.raw_kps"].status is Status.PASS


def test_the_largest_difference_of_all_levels_is_the_figure() -> None:
    batched = outputs(2)
    batched["score_8"][0, 0, 0], batched["score_32"][0, 1, 0] = -0.25, 0.125
    assert judged(batched)["parity.raw_score"].figure == 0.25


def test_kinds_that_the_model_lacks_are_not_judged() -> None:
    found = raw_verdicts([outputs(1)], outputs(1), BOXES_ONLY, ["a.jpg"], "model", LIMITS)
    assert [verdict.check for verdict in found] == ["parity.raw_score", "parity.raw_bbox"]
