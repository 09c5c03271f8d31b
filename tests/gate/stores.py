"""Stores as a run leaves them: a detector and an embedder, with files, and every verdict that the gate asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from onnx import TensorProto, helper

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.manifest import Artifact, Manifest, ModelEntry, Record
from batchproof.artifacts.store import MANIFEST
from batchproof.gate.judge import Case, judge
from batchproof.gate.rules import GateRules, load_rules
from batchproof.verdict import Status, Verdict
from batchproof.zoo import families
from batchproof.zoo.pack import SEEDED_LICENCE
from batchproof.zoo.spec import ModelSpec

DETECTOR, EMBEDDER = "det_2.5g", "w600k"
PRECISIONS = ("fp32", "fp16")
_SPECS = {DETECTOR: families.scrfd(), EMBEDDER: families.arcface()}
_PARITY = {
    DETECTOR: {"parity.box_shift": 0.01, "parity.landmark_shift": 0.02},
    EMBEDDER: {"parity.embedding_cosine": 0.999999},
}
_PROBES = ("session.96x160.batch_5", "unoptimised.96x160.batch_5")


def store(root: Path) -> Manifest:
    """Make a store at `root` that keeps every rule, and return its manifest."""
    records = [record for model in _SPECS for record in _records(root, model)]
    models = {model: _entry(spec) for model, spec in _SPECS.items()}
    manifest = Manifest("models", models=models, records=tuple(records))
    write(root, manifest)
    return manifest


def write(root: Path, manifest: Manifest) -> None:
    manifests.write(manifest, root / MANIFEST)


def with_verdicts(manifest: Manifest, subject: str, check: str, /, **changes: object) -> Manifest:
    """Change every verdict of a check, and of those below it, on one subject; there must be one."""
    matched = []

    def changed(verdict: Verdict) -> Verdict:
        if verdict.subject != subject or not f"{verdict.check}.".startswith(f"{check}."):
            return verdict
        matched.append(verdict)
        return replace(verdict, **changes)  # type: ignore[arg-type]

    records = [replace(record, verdicts=tuple(map(changed, record.verdicts))) for record in manifest.records]
    assert matched, f"no {check} of {subject}"
    return replace(manifest, records=tuple(records))


def without(manifest: Manifest, unwanted: Callable[[Record], bool]) -> Manifest:
    kept = tuple(record for record in manifest.records if not unwanted(record))
    assert len(kept) < len(manifest.records)
    return replace(manifest, records=kept)


def judged(
    root: Path, manifest: Manifest, rules: GateRules | None = None, baseline: Manifest | None = None
) -> list[Verdict]:
    """Judge by the committed rules unless others are given; return all verdicts."""
    found = judge(Case(manifest, root, rules or load_rules(), baseline))
    return [verdict for judgement in found for verdict in judgement.verdicts]


def open_rules(verdicts: list[Verdict]) -> dict[tuple[str, str], Status]:
    """The rules that do not hold: subject and rule, and what became of them."""
    return {(verdict.subject, verdict.check): verdict.status for verdict in verdicts if not verdict}


def _entry(spec: ModelSpec) -> ModelEntry:
    return ModelEntry(spec, "declared by the test", "seed 1", SEEDED_LICENCE)


def _records(root: Path, model: str) -> list[Record]:
    original = _onnx(root, f"export/{model}.onnx", model)
    taken = Verdict("export.taken_over", model, Status.PASS, "as it was")
    records = [Record("export", "export", model, "key", artifacts=(original,), verdicts=(taken,))]
    for precision in PRECISIONS:
        records += _graph_records(root, model, precision, original)
    return records


def _graph_records(root: Path, model: str, precision: str, original: Artifact) -> list[Record]:
    subject = f"{model}.{precision}"
    graph = _onnx(root, f"surgery/{subject}.onnx", subject)
    session = _file(root, f"build/ort/{subject}.ort", subject.encode())
    parents = {graph.path: graph.sha256}
    surgery = {"surgery.casts": 0.0} if precision == "fp16" else {"surgery.equals_original.optimised": 0.0}
    probe = {f"probe.{what}.{scene}": 0.0 for what in ("contamination", "non_invariance") for scene in _PROBES}
    proof = Verdict("proof", subject, Status.PROVEN, "every row is its own frame's")
    return [
        _record("surgery", "surgery", subject, {original.path: original.sha256}, surgery, (graph,)),
        _record("build", "build.ort", subject, parents, {"build.ort.equals_onnx": 0.0}, (session,)),
        replace(_record("validate", "proof", subject, parents, {}), verdicts=(proof,)),
        _record("validate", "probe", subject, parents, probe),
        _record("validate", "parity", subject, parents, _PARITY[model]),
    ]


def _record(
    stage: str,
    check: str,
    subject: str,
    parents: dict[str, str],
    figures: dict[str, float],
    artifacts: tuple[Artifact, ...] = (),
) -> Record:
    verdicts = tuple(Verdict(name, subject, Status.PASS, "measured", figure) for name, figure in figures.items())
    return Record(stage, check, subject, "key", parents=parents, artifacts=artifacts, verdicts=verdicts)


def _onnx(root: Path, name: str, salt: str) -> Artifact:
    """A real graph: what an ONNX file's hash covers is read from it."""
    image, result = (helper.make_tensor_value_info(end, TensorProto.FLOAT, ["n", 4]) for end in ("x", "y"))
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"], name=salt)], salt, [image], [result])
    return _file(root, name, helper.make_model(graph).SerializeToString())


def _file(root: Path, name: str, content: bytes) -> Artifact:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Artifact(name, content_sha256(path), len(content))
