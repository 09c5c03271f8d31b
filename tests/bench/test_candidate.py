from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.bench.candidate import Candidate, candidates
from batchproof.errors import StepNotRunError
from batchproof.profile import Profile
from batchproof.targets import target
from batchproof.zoo.families import arcface, scrfd
from tests.bench.stores import DETECTOR, build, opened, settings_of_profile

ENGINE = Candidate(
    Path("store"), "rtx", target("rtx"), "det", "det.fp32", scrfd(), "g.onnx", "e.engine", (Profile(2, 4, 8, 320, 320),)
)
SESSION = replace(ENGINE, backend="ort", target=target("ort"))


def test_batches_outside_every_profile_are_left_out_with_the_profiles() -> None:
    several = replace(ENGINE, profiles=(Profile(1, 1, 1), Profile(4, 8, 8)))
    left = several.outside((1, 2, 4, 8, 16))
    assert [one.batch for one in left] == [2, 16]
    assert left[0].reason == "it was built for 1,1,1@640x640+4,8,8@640x640"


def test_an_engine_is_measured_at_the_size_it_was_built_for_and_no_other() -> None:
    assert ENGINE.size(None) == (320, 320)
    with pytest.raises(StepNotRunError, match="not for images of 640x640"):
        ENGINE.size((640, 640))
    ranged = replace(ENGINE, profiles=(Profile(1, 1, 1, 320, 320, (320, 320), (640, 640)),))
    assert ranged.size((640, 320)) == (640, 320)


def test_a_session_on_the_processor_takes_any_size_and_a_fixed_model_its_own() -> None:
    assert SESSION.size((640, 320)) == (640, 320)
    assert replace(ENGINE, spec=arcface()).size((640, 640)) == (112, 112)


def test_a_store_gives_its_sessions_their_graphs_and_its_engines(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        build(store, (DETECTOR,))
        found = list(candidates(tmp_path, store.manifest))
    assert [(one.backend, one.built) for one in found] == [
        ("ort", "build/ort/det.fp32.ort"),
        ("onnx", None),
        ("rtx", "build/rtx/det.fp32.engine"),
    ]
    assert [one.on_cpu for one in found] == [True, True, False]
    assert {one.graph for one in found} == {"surgery/det.fp32.onnx"}


@pytest.mark.parametrize(
    "record",
    [
        Record("build", "build.rtx", "det.fp16", "", {"surgery/det.fp16.onnx": "x"}, settings=settings_of_profile()),
        Record("build", "build.local", "det.fp16", "k", {"surgery/det.fp16.onnx": "x"}, settings=settings_of_profile()),
        Record("build", "build.tomorrow", "det.fp16", "k", {"surgery/det.fp16.onnx": "x"}),
        Record("build", "build.deepstream-8.0.job", "det.fp16", "k", {"surgery/det.fp16.onnx": "x"}),
        Record(
            "build", "build.ort-cuda", "det.fp16", "", {"surgery/det.fp16.onnx": "x"}, settings=settings_of_profile()
        ),
    ],
    ids=["failed", "made nothing", "unknown target", "job of a container", "provider that did not run"],
)
def test_what_was_not_built_is_no_candidate(tmp_path: Path, record: Record) -> None:
    with opened(tmp_path) as store:
        build(store, (DETECTOR,))
        manifest: Manifest = store.manifest.with_record(record)
    assert {one.subject for one in candidates(tmp_path, manifest)} == {"det.fp32"}


def test_a_provider_that_ran_takes_the_graph(tmp_path: Path) -> None:
    record = Record(
        "build", "build.ort-cuda", "det.fp32", "k", {"surgery/det.fp32.onnx": "x"}, settings=settings_of_profile()
    )
    with opened(tmp_path) as store:
        build(store, (DETECTOR,))
        (found,) = (
            one for one in candidates(tmp_path, store.manifest.with_record(record)) if one.backend == "ort-cuda"
        )
    assert (found.built, found.on_cpu, found.parents) == (None, False, ("surgery/det.fp32.onnx",))
