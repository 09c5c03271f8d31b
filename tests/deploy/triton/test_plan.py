from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from batchproof.deploy.triton.network import Network
from batchproof.errors import InputError
from batchproof.targets import target
from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec
from tests.deploy.triton.plans import HEADS, RELEASES, network, plan


def with_input(spec: ModelSpec, **changes: Any) -> ModelSpec:
    return replace(spec, input=replace(spec.input, **changes))


def head(channels: int) -> Network:
    spec = HEADS["2d106det"]
    return network("head", replace(spec, outputs=(replace(spec.outputs[0], channels=channels),)))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"target": target("deepstream-8.0")}, "deepstream-8.0 is no Triton. Choose triton-25.03, triton-26.01"),
    ({"target": target("rtx")}, "rtx is no Triton"),
    ({"detector": network("det", families.scrfd(keypoints=False))}, "gives no landmarks"),
    ({"frames": 33}, "33 frames in a batch, and det takes 1 to 32. Name as many with --frames, or run again"),
    ({"frames": 0}, "0 frames in a batch"),
    ({"instances": 0}, "0 instances of faces are not 1 to 64"),
    ({"instances": 65}, "65 instances"),
    ({"detector": network("det", families.scrfd(), "8,8,8")}, "no profile of det takes batches of 1"),
    ({"embedder": network("emb", families.arcface(), "1,1,1+4,8,16")}, "no profile of emb takes batches of 2"),
    ({"embedder": network("emb", families.arcface(size=160))}, "no template"),
    ({"embedder": network("emb", with_input(families.arcface(), std=0.0))}, "std 0"),
    ({"embedder": network("emb", with_input(families.arcface(), std=nan))}, "std nan"),
    ({"embedder": network("emb", with_input(families.arcface(), mean=inf))}, "mean inf"),
    ({"embedder": network("emb", with_input(families.arcface(), name="a;b"))}, "tensor 'a;b' of emb"),
    ({"embedder": network("emb", with_input(families.arcface(), name='"'))}, "cannot hold"),
    ({"heads": (network("a", HEADS["genderage"]), network("b", HEADS["genderage"]))}, "the same output of faces: ages"),
    ({"heads": (head(7),)}, "head gives 7 values a face"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_what_no_repository_can_carry_out_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(**changes)
    assert sentence in refused.value.line()


@pytest.mark.parametrize(
    "name", ["a;b", "a\nb", "#a", "a b", 'a"b', "a'b", "a$(touch x)b", "../a", "a/b", "", ".a", "-a", "é", "a" * 101]
)
def test_a_name_that_means_something_somewhere_is_refused(name: str) -> None:
    for changes in ({"detector": network(name, families.scrfd())}, {"heads": (network(name, HEADS["genderage"]),)}):
        with pytest.raises(InputError, match="has a name that a bundle cannot hold"):
            plan(**changes)


@pytest.mark.parametrize("release", RELEASES)
def test_every_triton_is_a_target(release: str) -> None:
    assert plan(release).target.container.endswith(f"tritonserver:{release.removeprefix('triton-')}-py3")


def test_batches_that_profiles_cover_together_are_taken() -> None:
    assert plan(embedder=network("emb", families.arcface(), "1,1,1+2,8,16")).embedder.model.largest_batch == 16


def test_the_parameters_have_the_size_that_the_detector_is_tuned_for() -> None:
    parameters = plan(detector=network("det", families.scrfd(), "1,4,8@320x320,480x640,960x960")).parameters
    assert (parameters.height, parameters.width) == (480, 640)
