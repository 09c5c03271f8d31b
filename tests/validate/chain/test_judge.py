"""The whole chain in one call, and the noise that goes through it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from batchproof.validate.chain.judge import judge_chain
from batchproof.validate.chain.noise import noise_scene
from batchproof.verdict import Status
from tests.pipeline.tiny_scrfd import SPEC
from tests.validate.chain.broken_stages import nms_without_plus_one
from tests.validate.chain.tiny_chain import LIMITS, SCENE, TinyChain


def test_a_faithful_chain_passes_on_pictures_and_noise(chain: TinyChain) -> None:
    report = judge_chain(*chain.files, chain.ours, SCENE, LIMITS, "pair.fp32")
    assert {verdict.status for verdict in report.verdicts} == {Status.PASS}
    checks = [verdict.check for verdict in report.verdicts]
    assert len(checks) == len(set(checks)) == 1 + 2 * 24 + 1 + 1 + 24
    assert {"parity.chain", "parity.chain.nms.end_to_end", "parity.chain_on_noise.nms"} <= set(checks)
    assert "parity.chain.decision" not in checks


def test_a_broken_chain_fails_with_its_stage(chain: TinyChain) -> None:
    report = judge_chain(*chain.files, replace(chain.ours, nms=nms_without_plus_one), SCENE, LIMITS, "pair.fp32")
    summary = report.verdicts[0]
    assert (summary.check, summary.status, summary.witness) == ("parity.chain", Status.FAIL, "nms")
    assert summary.reason == report.pictures.sentence
    assert report.noise.first_departing is not None
    assert report.noise.first_departing.stage == "nms"


def test_noise_is_the_same_every_time_and_gives_candidates(chain: TinyChain) -> None:
    first, second = (noise_scene(chain.detector, SPEC, SCENE) for _ in range(2))
    assert first.detection == second.detection
    for one, other in zip(first.pictures, second.pictures, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
    counts = [len(chain.detector.watch(picture.pixels, first).candidates) for picture in first.pictures]
    assert min(counts) >= 50
