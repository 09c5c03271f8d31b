"""Stores as a run with a target leaves them: tiny graphs, with the jobs that the build stage writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from batchproof.artifacts import layout
from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.manifest import Artifact, Manifest, ModelEntry, Record
from batchproof.artifacts.store import MANIFEST
from batchproof.build.container.emitted import emit_job, emit_script
from batchproof.build.job import Job, script_files
from batchproof.policy import load_policy
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import Settings
from batchproof.targets import target
from batchproof.targets.target import SCRIPT_NAME
from batchproof.verdict import Status, Verdict
from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec, Precision
from tests.pipeline.tiny_scrfd import tiny_scrfd

RELEASE = "deepstream-8.0"
PRECISION: Precision = "fp32"
MODELS = {"det": families.scrfd(), "emb": families.arcface()}
ALL_MODELS = {
    **MODELS,
    "2d106det": families.landmarks(size=192, channels=212, normalised_in_graph=True),
    "genderage": families.genderage(size=96, normalised_in_graph=True),
}
_SETTINGS = Settings(ProfileChoice(), None, load_policy())
_PROFILES = EngineProfiles.parse("1,4,8@64x96")


def store(
    root: Path, models: Mapping[str, ModelSpec] = MODELS, *, folder: str = "", release: str = RELEASE, profile: str = ""
) -> Manifest:
    """Make a store of proven and probed models; with `folder`, their jobs lie there, as those of several engines do.

    Graphs that lie in its `surgery/` already are taken, all others are tiny.
    """
    profiles = EngineProfiles.parse(profile) if profile else _PROFILES
    records = [
        record for name, spec in models.items() for record in _records(root, name, spec, folder, release, profiles)
    ]
    script = f"{layout.built(release)}/{SCRIPT_NAME}"
    emit_script(root / script, target(release), script)
    records.append(_record(f"build.{release}.script", script, (_artifact(root, script),)))
    entries = {name: ModelEntry(spec, "declared by the test", "seed 1", "free") for name, spec in models.items()}
    return write(root, Manifest("tiny", models=entries, records=tuple(records)))


def write(root: Path, manifest: Manifest) -> Manifest:
    manifests.write(manifest, root / MANIFEST)
    return manifest


def with_record(manifest: Manifest, check: str, subject: str, *verdicts: Verdict) -> Manifest:
    """Replace the verdicts of one record, or add the record."""
    found = manifest.record(check, subject) or _record(check, subject)
    return manifest.with_record(replace(found, verdicts=verdicts))


def without_record(manifest: Manifest, check: str, subject: str) -> Manifest:
    kept = tuple(record for record in manifest.records if (record.check, record.subject) != (check, subject))
    assert len(kept) < len(manifest.records)
    return replace(manifest, records=kept)


def _records(
    root: Path, name: str, spec: ModelSpec, folder: str, release: str, profiles: EngineProfiles
) -> list[Record]:
    subject = f"{name}.{PRECISION}"
    proof = Verdict("proof", subject, Status.PROVEN, "every row is its own frame's")
    probe = Verdict("probe.contamination", subject, Status.PASS, "no neighbour changes it", 0.0, 0.0)
    job = _job(root, name, spec, folder, release, profiles)
    graph = _artifact(root, layout.repaired(name, PRECISION))
    executed = {"profiles": [asdict(profile) for profile in profiles]}
    checked = subject if not folder else f"{subject}.{folder}"
    return [
        replace(_record("surgery", subject, (graph,)), stage="surgery"),
        replace(_record("build.ort", subject), settings=executed),
        _record(f"build.{release}.job", checked, job),
        replace(_record("proof", subject), verdicts=(proof,)),
        replace(_record("probe", subject), verdicts=(probe,)),
    ]


def _job(
    root: Path, name: str, spec: ModelSpec, folder: str, release: str, profiles: EngineProfiles
) -> tuple[Artifact, ...]:
    """What the build stage does for a cell: graph, job and description, in the folder of the target."""
    stem, place = f"{name}.{PRECISION}", layout.built(release, folder)
    graph = root / "surgery" / f"{stem}.onnx"
    graph.parent.mkdir(parents=True, exist_ok=True)
    (root / place).mkdir(parents=True, exist_ok=True)
    if not graph.exists():
        _tiny_graph(graph, spec)
    paths = [f"{place}/{file}" for file in script_files(stem)]
    outputs = [root / path for path in paths]
    job = Job(graph, outputs, target(release), PRECISION, profiles, spec, stem)
    emit_job(job, _SETTINGS, PurePosixPath(folder))
    return tuple(_artifact(root, path) for path in paths)


def _tiny_graph(path: Path, spec: ModelSpec) -> None:
    if spec.role == "detector":
        tiny_scrfd(path, keypoints=spec.has_keypoints)
    else:
        _tiny_head(path, spec)


def _tiny_head(path: Path, spec: ModelSpec) -> None:
    """The mean of every colour, times a matrix."""
    (output,), side = spec.outputs, spec.input.height
    weight = np.random.default_rng(output.channels).standard_normal((3, output.channels)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], [output.name]),
    ]
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, side, side])
    values = helper.make_tensor_value_info(output.name, TensorProto.FLOAT, ["N", output.channels])
    graph = helper.make_graph(nodes, "tiny", [image], [values], [numpy_helper.from_array(weight, "weight")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def _record(check: str, subject: str, artifacts: tuple[Artifact, ...] = ()) -> Record:
    stage = "build" if check.startswith("build.") else "validate"
    return Record(stage, check, subject, "key", artifacts=artifacts)


def _artifact(root: Path, path: str) -> Artifact:
    return Artifact(path, content_sha256(root / path), (root / path).stat().st_size)
