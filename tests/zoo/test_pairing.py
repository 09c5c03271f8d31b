from __future__ import annotations

from batchproof.zoo.families import adaface, arcface, scrfd
from batchproof.zoo.pairing import pairs


def test_every_model_is_in_a_pair_and_no_pair_is_there_twice() -> None:
    specs = {"rec": arcface(), "det": scrfd(), "det2": scrfd(), "rec2": arcface()}
    assert pairs(specs) == [("det", "rec"), ("det2", "rec"), ("det", "rec2")]


def test_without_landmarks_or_an_embedder_that_insightface_runs_there_is_none() -> None:
    assert pairs({"det": scrfd(keypoints=False), "rec": arcface()}) == []
    assert pairs({"det": scrfd(), "ada": adaface()}) == []
