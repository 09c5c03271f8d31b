from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from batchproof.artifacts.manifest import Manifest
from batchproof.deploy.deepstream.bundle import bundle_files
from batchproof.deploy.deepstream.from_store import Wishes, plan_from_store
from batchproof.deploy.deepstream.plan import BundlePlan
from batchproof.deploy.store_jobs import stored_path
from batchproof.errors import InputError, StepFailedError, StoreError
from batchproof.targets import target
from batchproof.verdict import Status, Verdict
from batchproof.zoo import families
from tests.deploy.deepstream.plans import read_ini
from tests.deploy.deepstream.stores import (
    ALL_MODELS,
    MODELS,
    PRECISION,
    RELEASE,
    store,
    with_record,
    without_record,
)

WISHES = Wishes(PRECISION, streams=2)


def planned(root: Path, manifest: Manifest, wishes: Wishes = WISHES, release: str = RELEASE) -> BundlePlan:
    return plan_from_store(root, manifest, target(release), wishes)


def refusal(root: Path, manifest: Manifest, wishes: Wishes = WISHES, release: str = RELEASE) -> str:
    with pytest.raises(InputError) as refused:
        planned(root, manifest, wishes, release)
    return refused.value.line()


def test_names_in_the_configurations_are_those_of_the_graphs(tmp_path: Path) -> None:
    made = planned(tmp_path, store(tmp_path, ALL_MODELS))
    files = bundle_files(made)
    for model in made.models:
        graph = onnx.load(tmp_path / "build" / RELEASE / f"{model.stem}.onnx").graph
        kind = "pgie" if model is made.detector else "sgie"
        keys = read_ini(files[f"configs/{kind}_{model.name}.txt"])["property"]
        assert keys["output-blob-names"].split(";") == [output.name for output in graph.output]
        if kind == "sgie":
            tensor = read_ini(files[f"configs/preprocess_align_{model.name}.txt"])["property"]["tensor-name"]
            assert tensor == graph.input[0].name


def test_engines_are_those_that_the_jobs_build_of_the_graphs_beside_them(tmp_path: Path) -> None:
    made = planned(tmp_path, store(tmp_path, ALL_MODELS))
    files = bundle_files(made)
    for model in made.models:
        job = (tmp_path / "build" / RELEASE / f"{model.stem}.job").read_text()
        engine, graph = (shlex.split(line)[1] for line in job.splitlines()[:2])
        kind = "pgie" if model is made.detector else "sgie"
        keys = read_ini(files[f"configs/{kind}_{model.name}.txt"])["property"]
        assert (keys["model-engine-file"], keys["onnx-file"]) == (f"../engines/{engine}", f"../engines/{graph}")
        assert f"maxShapes=input:{model.largest_batch}x3x" in job


def test_the_plan_copies_what_the_container_needs(tmp_path: Path) -> None:
    manifest = store(tmp_path)
    made = planned(tmp_path, manifest)
    names = {f"{name}.{PRECISION}.{suffix}" for name in MODELS for suffix in ("onnx", "job", "io.json")}
    assert set(made.files) == {f"engines/{name}" for name in {*names, "build_engines.sh"}}
    for path, sha256 in made.files.items():
        artifact = manifest.artifact(stored_path(path, made.target.name))
        assert artifact is not None
        assert artifact.sha256 == sha256
    assert made.detector.sha256 == made.files[f"engines/det.{PRECISION}.onnx"]
    assert [verdict.status for verdict in made.detector.verdicts] == [Status.PROVEN, Status.PASS]


def test_heads_come_in_the_order_of_the_store(tmp_path: Path) -> None:
    made = planned(tmp_path, store(tmp_path, ALL_MODELS))
    assert [model.name for model in made.models] == list(ALL_MODELS)


def test_a_store_without_the_target_is_told_the_command(tmp_path: Path) -> None:
    manifest = store(tmp_path / "out" / "tiny")
    line = refusal(tmp_path / "out" / "tiny", manifest, release="deepstream-9.1")
    out = tmp_path.resolve() / "out"
    assert "has no fp32 engines for deepstream-9.1" in line
    assert f"batchproof run --models DIR --pack tiny --out {out} --target deepstream-9.1" in line
    demo = refusal(tmp_path / "out" / "tiny", replace(manifest, pack="demo"), WISHES, "deepstream-9.1")
    assert "batchproof run --pack demo" in demo


def test_a_precision_that_was_not_built_is_told(tmp_path: Path) -> None:
    assert "has no fp16 engines" in refusal(tmp_path, store(tmp_path), Wishes("fp16"))
    assert "builds no fp16 engines" in refusal(tmp_path, store(tmp_path), Wishes("fp16"), "deepstream-6.3")


def test_one_model_of_several_must_be_named(tmp_path: Path) -> None:
    manifest = store(tmp_path, {**MODELS, "det2": families.scrfd(), "emb2": families.arcface()})
    assert "several detectors: det, det2. Name one with --detector" in refusal(tmp_path, manifest)
    named = replace(WISHES, detector="det2")
    assert "several embedders: emb, emb2. Name one with --embedder" in refusal(tmp_path, manifest, named)
    made = planned(tmp_path, manifest, replace(named, embedder="emb2"))
    assert (made.detector.name, made.embedder.name) == ("det2", "emb2")
    unknown = refusal(tmp_path, manifest, replace(WISHES, detector="emb"))
    assert "no detector 'emb'. Its detectors are det, det2" in unknown


def test_a_detector_without_landmarks_is_no_choice(tmp_path: Path) -> None:
    boxes = {"boxes": families.scrfd(keypoints=False)}
    assert "has no detector with landmarks" in refusal(tmp_path, store(tmp_path, {**boxes, "emb": MODELS["emb"]}))
    both = store(tmp_path / "both", {**boxes, **MODELS})
    assert planned(tmp_path / "both", both).detector.name == "det"
    assert "'boxes' gives no landmarks" in refusal(tmp_path / "both", both, replace(WISHES, detector="boxes"))


def test_a_pack_without_embedder_is_refused(tmp_path: Path) -> None:
    assert "has no embedder" in refusal(tmp_path, store(tmp_path, {"det": MODELS["det"]}))


def test_more_streams_than_the_engine_takes_are_refused(tmp_path: Path) -> None:
    assert "--profile 1,9,9" in refusal(tmp_path, store(tmp_path), replace(WISHES, streams=9))


def test_several_engines_of_a_model_are_refused(tmp_path: Path) -> None:
    assert "several engines" in refusal(tmp_path, store(tmp_path, folder="b1-4-8"))


def test_a_job_that_failed_is_told_with_its_reason(tmp_path: Path) -> None:
    manifest = store(tmp_path)
    check, subject = f"build.{RELEASE}.job", f"emb.{PRECISION}"
    failed = Verdict(f"{check}.completes", subject, Status.NOT_RUN, "needs a graph that is not there")
    manifest = with_record(without_record(manifest, check, subject), check, subject, failed)
    assert "needs a graph that is not there" in refusal(tmp_path, manifest)


@pytest.mark.parametrize(
    ("check", "subject", "status"),
    [
        ("proof", f"emb.{PRECISION}", Status.REFUTED),
        ("probe", f"det.{PRECISION}", Status.FAIL),
        ("surgery", f"det.{PRECISION}", Status.FAIL),
        ("export", "det", Status.FAIL),
        ("parity", f"emb.{PRECISION}", Status.FAIL),
        (f"build.{RELEASE}", f"emb.{PRECISION}", Status.FAIL),
    ],
)
def test_a_model_that_failed_anything_is_refused(tmp_path: Path, check: str, subject: str, status: Status) -> None:
    failed = Verdict(f"{check}.rows", subject, status, "it mixes frames", witness="node Reshape_7")
    with pytest.raises(StepFailedError, match=r"it mixes frames \(witness: node Reshape_7\)"):
        planned(tmp_path, with_record(store(tmp_path), check, subject, failed))


def test_what_failed_elsewhere_does_not_count(tmp_path: Path) -> None:
    manifest = store(tmp_path, {**MODELS, "det2": families.scrfd()})
    for check, subject in (("proof", f"det2.{PRECISION}"), ("parity", "det.fp16"), ("build.rtx", f"det.{PRECISION}")):
        manifest = with_record(manifest, check, subject, Verdict(check, subject, Status.FAIL, "no"))
    assert planned(tmp_path, manifest, replace(WISHES, detector="det")).detector.name == "det"


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda tensors: tensors.reverse(), "is of another model"),
        (lambda tensors: tensors.pop(), "has 1 tensors"),
        (lambda tensors: tensors[0].update(dtype="HALF"), "HALF"),
        (lambda tensors: tensors[0].pop("name"), "no description of an engine"),
    ],
)
def test_a_description_of_another_model_is_refused(
    tmp_path: Path, edit: Callable[[list[dict[str, str]]], object], sentence: str
) -> None:
    manifest = store(tmp_path)
    path = tmp_path / "build" / RELEASE / f"emb.{PRECISION}.io.json"
    described = json.loads(path.read_text())
    edit(described["tensors"])
    path.write_text(json.dumps(described))
    with pytest.raises(StoreError, match=sentence):
        planned(tmp_path, manifest)


def test_a_hostile_name_in_the_store_is_refused_before_it_is_written(tmp_path: Path) -> None:
    manifest = store(tmp_path)
    assert "pack 'a;b' has a name" in refusal(tmp_path, replace(manifest, pack="a;b"))
    assert "model 'a b' has a name" in refusal(
        tmp_path, store(tmp_path / "x", {"det": MODELS["det"], "a b": MODELS["emb"]})
    )
