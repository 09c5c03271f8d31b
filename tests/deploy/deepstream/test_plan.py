from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from batchproof.deploy.deepstream.bundle import bundle_files
from batchproof.deploy.deepstream.plan import deepstream_version
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.targets import target
from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec
from tests.deploy.deepstream.plans import HEADS, model, plan


def with_input(spec: ModelSpec, **changes: Any) -> ModelSpec:
    return replace(spec, input=replace(spec.input, **changes))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"target": target("rtx")}, "rtx is no DeepStream"),
    ({"target": target("triton-26.07")}, "triton-26.07 is no DeepStream"),
    ({"detector": model("det", families.scrfd(keypoints=False))}, "gives no landmarks"),
    ({"streams": 33}, "takes batches of 32 at most"),
    ({"heads": tuple(model(f"h{n}", HEADS["genderage"]) for n in range(16))}, "are more than 16"),
    ({"detector": model("det", families.scrfd(), "4,8,16")}, "takes no fewer than 4 images"),
    ({"detector": model("det", families.scrfd(), "1,8,16+1,1,1")}, "executes profile 0 alone"),
    ({"embedder": model("emb", families.arcface(), "1,8,2048")}, "nvinfer takes 1024 at most"),
    ({"embedder": model("emb", families.arcface(size=160))}, "no template"),
    ({"heads": (model("head", families.landmarks(size=1056, channels=212, normalised_in_graph=True)),)}, "up to 1024"),
    ({"embedder": model("emb", with_input(families.arcface(), std=0.0))}, "std 0"),
    ({"embedder": model("emb", with_input(families.arcface(), std=nan))}, "std nan"),
    ({"embedder": model("emb", with_input(families.arcface(), mean=-1.0))}, "mean -1"),
    ({"embedder": model("emb", with_input(families.arcface(), name="a;b"))}, "tensor 'a;b' of emb"),
    ({"embedder": model("emb", with_input(families.arcface(), name='"'))}, "cannot hold"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_what_no_bundle_can_carry_out_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(**changes)
    assert sentence in refused.value.line()


@pytest.mark.parametrize(
    "name", ["a;b", "a\nb", "#a", "a b", 'a"b', "a'b", "a$(touch x)b", "../a", "a/b", "", ".a", "-a", "é", "a" * 101]
)
def test_a_name_that_means_something_somewhere_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="has a name that a bundle cannot hold"):
        plan(detector=model(name, families.scrfd()))
    with pytest.raises(InputError, match="has a name that a bundle cannot hold"):
        plan(embedder=model(name, families.arcface()))


@pytest.mark.parametrize("name", ["2d106det", "det_10g", "w600k-r50.v2+x"])
def test_names_that_are_safe_everywhere_are_written_as_they_are(name: str) -> None:
    assert f"configs/sgie_{name}.txt" in bundle_files(plan(embedder=model(name, families.arcface())))


def test_sides_that_are_multiples_of_the_template_are_taken() -> None:
    for size in (112, 128, 224, 256):
        assert plan(embedder=model("emb", families.arcface(size=size))).embedder.size == (size, size)


def test_the_version_is_that_of_the_target() -> None:
    assert deepstream_version(target("deepstream-6.3")) == (6, 3)
    assert plan("deepstream-9.1").version == (9, 1)


def test_a_release_without_half_precision_refuses_it() -> None:
    fp16 = replace(model("det", families.scrfd()), precision="fp16", profiles=EngineProfiles.parse("1,4,8"))
    with pytest.raises(InputError, match="builds no fp16 engines"):
        plan("deepstream-6.3", detector=fp16)
