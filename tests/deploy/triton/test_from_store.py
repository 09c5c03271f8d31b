from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from batchproof.artifacts import json_file, layout
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.bench.sweep_file import SweepFile
from batchproof.deploy.triton.from_store import Planned, Wishes, plan_from_store
from batchproof.deploy.triton.plan import Backend
from batchproof.errors import InputError, StepFailedError, StoreError
from batchproof.targets import target
from batchproof.verdict import Status, Verdict
from batchproof.zoo import families
from tests.bench.files import SWEEP, figures
from tests.deploy.deepstream.stores import ALL_MODELS, MODELS, PRECISION, store, with_record, without_record
from tests.deploy.triton.plans import BACKENDS

RELEASE = "triton-26.06"
JOB = f"build.{RELEASE}.job"
SUBJECT = f"emb.{PRECISION}"


def made(root: Path, **changes: Any) -> Manifest:
    return store(root, **{"models": ALL_MODELS, "release": RELEASE, **changes})


def planned(root: Path, manifest: Manifest, backend: Backend = "tensorrt", **wishes: Any) -> Planned:
    release = wishes.pop("release", RELEASE)
    return plan_from_store(root, manifest, target(release), Wishes(PRECISION, backend, **wishes))


def refusal(root: Path, manifest: Manifest, backend: Backend = "tensorrt", **wishes: Any) -> str:
    with pytest.raises(InputError) as refused:
        planned(root, manifest, backend, **wishes)
    return refused.value.line()


@pytest.mark.parametrize("backend", BACKENDS)
def test_tensors_are_those_of_the_graphs(tmp_path: Path, backend: Backend) -> None:
    plan = planned(tmp_path, made(tmp_path), backend).plan
    assert [one.model.name for one in plan.networks] == list(ALL_MODELS)
    for one in plan.networks:
        graph = onnx.load(tmp_path / layout.repaired(one.model.name, PRECISION)).graph
        assert one.tensors.input.name == graph.input[0].name
        assert [tensor.name for tensor in one.tensors.outputs] == [output.name for output in graph.output]
        assert one.model.profiles.text == "1,4,8@64x96"
        assert [verdict.status for verdict in one.model.verdicts] == [Status.PROVEN, Status.PASS]
    assert plan.detector.tensors.input.dims == (3, 64, 96)
    assert (plan.frames, plan.instances) == (8, 2)


def test_an_engine_is_built_of_what_is_copied(tmp_path: Path) -> None:
    manifest = made(tmp_path, models=MODELS)
    found = planned(tmp_path, manifest)
    names = {f"engines/{name}.{PRECISION}.{suffix}" for name in MODELS for suffix in ("onnx", "job", "io.json")}
    assert set(found.plan.files) == {*names, "engines/build_engines.sh"}
    assert_copied_from_the_store(found, manifest)


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_a_graph_is_copied_to_where_the_server_looks_for_it(tmp_path: Path, backend: Backend) -> None:
    manifest = made(tmp_path, models=MODELS)
    found = planned(tmp_path, manifest, backend, release="triton-25.03")  # any store will do
    assert set(found.plan.files) == {f"model_repository/{name}.{PRECISION}/1/model.onnx" for name in MODELS}
    assert_copied_from_the_store(found, manifest)


def assert_copied_from_the_store(found: Planned, manifest: Manifest) -> None:
    assert set(found.stored) == set(found.plan.files)
    for path, stored in found.stored.items():
        artifact = manifest.artifact(stored)
        assert artifact is not None
        assert artifact.sha256 == found.plan.files[path]


def test_a_graph_that_was_never_executed_has_the_default_profile(tmp_path: Path) -> None:
    manifest = made(tmp_path, models=MODELS, profile="1,16,32@640x640")
    for name in MODELS:
        manifest = without_record(manifest, "build.ort", f"{name}.{PRECISION}")
    assert planned(tmp_path, manifest, "python").plan.embedder.model.profiles.text == "1,16,32@640x640"


def test_a_store_without_the_target_is_told_the_command(tmp_path: Path) -> None:
    line = refusal(tmp_path, made(tmp_path), release="triton-26.07")
    assert "has no fp32 engines for triton-26.07" in line
    assert "batchproof run --models DIR --pack tiny" in line
    assert line.endswith("--target triton-26.07.")


def test_a_graph_that_is_not_there_is_told(tmp_path: Path) -> None:
    manifest = without_record(made(tmp_path), "surgery", SUBJECT)
    assert "emb has no fp32 graph. Make it with: batchproof run" in refusal(tmp_path, manifest, "python")
    with pytest.raises(InputError, match="det has no fp16 graph"):
        plan_from_store(tmp_path, manifest, target(RELEASE), Wishes("fp16", "python"))


def test_weights_in_other_files_are_not_forgotten(tmp_path: Path) -> None:
    manifest = made(tmp_path, models=MODELS)
    path = tmp_path / layout.repaired("emb", PRECISION)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights", size_threshold=0)
    assert "keeps its weights in other files, which are not copied" in refusal(tmp_path, manifest, "python")


def test_one_model_of_several_must_be_named(tmp_path: Path) -> None:
    manifest = made(tmp_path, models={**MODELS, "det2": families.scrfd()})
    for backend in BACKENDS:
        assert "several detectors: det, det2. Name one with --detector" in refusal(tmp_path, manifest, backend)
    assert planned(tmp_path, manifest, detector="det2").plan.detector.model.name == "det2"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_pack_without_embedder_or_landmarks_is_refused(tmp_path: Path, backend: Backend) -> None:
    alone = made(tmp_path / "a", models={"det": MODELS["det"]})
    assert "has no embedder" in refusal(tmp_path / "a", alone, backend)
    boxes = made(tmp_path / "b", models={"det": families.scrfd(keypoints=False), "emb": MODELS["emb"]})
    assert "has no detector with landmarks" in refusal(tmp_path / "b", boxes, backend)


def test_more_frames_than_the_detector_takes_are_refused(tmp_path: Path) -> None:
    assert "--profile 1,9" in refusal(tmp_path, made(tmp_path), frames=9)
    assert planned(tmp_path, made(tmp_path), frames=3).plan.frames == 3


def test_several_engines_of_a_model_are_refused(tmp_path: Path) -> None:
    assert "several engines" in refusal(tmp_path, made(tmp_path, folder="b1-4-8"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_that_failed_is_refused_and_one_that_nobody_proved_is_said(tmp_path: Path, backend: Backend) -> None:
    manifest = made(tmp_path)
    refuted = with_record(manifest, "proof", SUBJECT, Verdict("proof", SUBJECT, Status.REFUTED, "it mixes frames"))
    with pytest.raises(StepFailedError, match=r"emb\.fp32 failed proof: it mixes frames"):
        planned(tmp_path, refuted, backend)
    open_question = planned(tmp_path, without_record(manifest, "probe", SUBJECT), backend).plan.embedder
    assert [bool(verdict) for verdict in open_question.model.verdicts] == [True, False]


def test_verdicts_on_what_is_not_deployed_do_not_count(tmp_path: Path) -> None:
    manifest = made(tmp_path)
    engine = Verdict(f"build.{RELEASE}.runs", SUBJECT, Status.FAIL, "too slow")
    spoilt = manifest.with_record(Record("build", f"build.{RELEASE}", SUBJECT, "key", verdicts=(engine,)))
    planned(tmp_path, spoilt, "python")
    with pytest.raises(StepFailedError, match="too slow"):
        planned(tmp_path, spoilt, "tensorrt")


def test_a_name_that_forges_paths_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    manifest = made(tmp_path, models=MODELS)
    models = {"../../det": manifest.models["det"], "emb": manifest.models["emb"]}
    forged = replace(manifest, models=models)
    graph = Artifact("surgery/x.onnx", "0", 1)
    forged = forged.with_record(Record("surgery", "surgery", f"../../det.{PRECISION}", "key", artifacts=(graph,)))
    forged = forged.with_record(Record("build", JOB, f"../../det.{PRECISION}", "key", artifacts=(graph,) * 3))
    for backend in BACKENDS:
        line = refusal(tmp_path, forged, backend)
        assert "cannot hold" in line or "has no fp32 graph" in line


def no_tensors(described: dict[str, Any]) -> None:
    described["tensors"] = []


def other_shape(described: dict[str, Any]) -> None:
    for part in ("minimum", "optimum", "maximum"):
        described["tensors"][0]["shapes"][0][part][-1] = 640


def half_output(described: dict[str, Any]) -> None:
    described["tensors"][-1]["dtype"] = "HALF"


def no_shapes(described: dict[str, Any]) -> None:
    described["tensors"][0]["shapes"] = None


def no_rank(described: dict[str, Any]) -> None:
    described["tensors"][0]["shapes"][0]["maximum"] = [1, 3]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (no_tensors, "has 0 tensors"),
        (other_shape, "of FP32 [3, 112, 640]"),
        (half_output, "HALF"),
        (no_rank, "has no shapes of one rank for"),
        (no_shapes, "is no description of an engine"),
    ],
)
def test_a_description_of_another_engine_is_refused(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    manifest = made(tmp_path)
    path = tmp_path / layout.built(RELEASE) / f"{SUBJECT}.io.json"
    described = json.loads(path.read_text())
    spoil(described)
    path.write_text(json.dumps(described))
    with pytest.raises(StoreError) as refused:
        planned(tmp_path, manifest)
    assert sentence in refused.value.line()


def test_an_engine_for_later_releases_is_said_to_the_server(tmp_path: Path) -> None:
    manifest = made(tmp_path)
    path = tmp_path / layout.built(RELEASE) / f"{SUBJECT}.io.json"
    described = json.loads(path.read_text())
    described["options"]["version_compatible"] = True
    path.write_text(json.dumps(described))
    assert planned(tmp_path, manifest).plan.version_compatible


def measured(root: Path, manifest: Manifest, backend: str, **changes: Any) -> Manifest:
    """Add what a benchmark of the embedder would leave: four images are best."""
    batches = (figures(1, 10.0, None), figures(4, 20.0, None), figures(8, 50.0, None))
    sweep: SweepFile = replace(
        SWEEP, subject=SUBJECT, backend=backend, height=112, width=112, batches=batches, **changes
    )
    path = layout.benchmark(SUBJECT, backend)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_bytes(json_file.write(sweep))
    artifact = Artifact(path, content_sha256(root / path), (root / path).stat().st_size)
    return manifest.with_record(Record("bench", f"bench.{backend}", SUBJECT, "key", artifacts=(artifact,)))


@pytest.mark.parametrize(("backend", "sweep"), [("tensorrt", RELEASE), ("onnxruntime", "onnx"), ("python", "onnx")])
def test_batches_are_as_large_as_was_measured_best(tmp_path: Path, backend: Backend, sweep: str) -> None:
    plan = planned(tmp_path, measured(tmp_path, made(tmp_path), sweep), backend).plan
    assert (plan.embedder.batching.preferred, plan.embedder.batching.delay_us) == ((4,), 1000)
    assert plan.embedder.threads == 2
    assert not plan.detector.batching.measured


@pytest.mark.parametrize(("backend", "sweep"), [("tensorrt", "onnx"), ("tensorrt", "triton-25.03"), ("python", "ort")])
def test_what_was_measured_of_something_else_does_not_count(tmp_path: Path, backend: Backend, sweep: str) -> None:
    plan = planned(tmp_path, measured(tmp_path, made(tmp_path), sweep), backend).plan
    assert plan.embedder.batching.preferred == (4, 8)
    assert not plan.embedder.batching.measured


def test_what_was_measured_at_another_size_is_said_and_does_not_count(tmp_path: Path) -> None:
    manifest = measured(tmp_path, made(tmp_path), "onnx")
    path = tmp_path / layout.benchmark(SUBJECT, "onnx")
    document = {**json.loads(path.read_text()), "height": 128}
    path.write_text(json.dumps(document))
    record = manifest.record("bench.onnx", SUBJECT)
    assert record is not None
    artifact = replace(record.artifacts[0], sha256=content_sha256(path))
    plan = planned(tmp_path, manifest.with_record(replace(record, artifacts=(artifact,))), "python").plan
    assert "(it was measured at 128x112 alone)" in plan.embedder.batching.origin


def test_a_measurement_that_is_damaged_gone_or_changed_is_one_line(tmp_path: Path) -> None:
    manifest = measured(tmp_path, made(tmp_path), "onnx")
    path = tmp_path / layout.benchmark(SUBJECT, "onnx")
    good = path.read_text()
    path.write_text(good.replace("20.0", "2.0"))
    with pytest.raises(StoreError, match=r"is not the file that the manifest names\. Run batchproof bench again"):
        planned(tmp_path, manifest, "python")
    path.write_text(good[:100])
    with pytest.raises(StoreError, match="not what this version writes of a sweep"):
        planned(tmp_path, manifest, "python")
    path.unlink()
    assert "cannot be read" in refusal(tmp_path, manifest, "python")
