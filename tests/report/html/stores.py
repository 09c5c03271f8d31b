"""Manifests as a whole run leaves them, small enough to read."""

from __future__ import annotations

from dataclasses import replace

from batchproof.artifacts.manifest import Artifact, Manifest, ModelEntry, Record
from batchproof.verdict import Status, Verdict, at_least, at_most, not_run
from batchproof.zoo.spec import InputSpec, ModelSpec

SHA = "0123456789abcdef" * 4
EXPORTED, REPAIRED = Artifact("export/det.onnx", SHA, 3_292_009), Artifact("surgery/det.fp16.onnx", SHA, 1_653_587)
ENGINE, SIDECAR = Artifact("build/rtx/det.fp16.engine", SHA, 3_446_588), Artifact("build/rtx/det.fp16.json", SHA, 931)
CULPRIT = "Reshape 'Reshape_140': the batch, axis 2, is merged with other axes"
TOOLS = {"batchproof": "0.1.0", "onnx": "1.23.2"}
PROFILE = {"minimum": 1, "optimum": 16, "maximum": 32, "height": 640, "width": 640, "smallest": None, "largest": None}


REASONS = ["UnflattenBatch, Reshape_140: frames keep their rows", "FreeResize, R: not changed because it is free"]
SPEC = ModelSpec("scrfd", "detector", InputSpec(None, None, 127.5, 128.0, 32), ())

TAKEN = Verdict("export.taken_over", "det", Status.PASS, "copied byte for byte")
FOLDED = Verdict("surgery.folded", "det.fp16", Status.PASS, "normalisation is in the graph")
HALF = at_least("surgery.half_share", "det.fp16", 0.97, 0.9, "nodes that compute in half")
COMPILED = Verdict("build.rtx.compiles", "det.fp16", Status.PASS, "built 3.4 MB", 0.261, unit="s")
EXECUTED = not_run("build.rtx.executes", "det.fp16", "built, not executed: no CUDA driver")
PROVEN = Verdict("proof", "det.fp16", Status.PROVEN, "row n is a function of frame n alone")
PROBED = (
    Verdict("probe.rows.session.96x160.batch_5", "det.fp16", Status.PASS, "one finite row a picture"),
    at_most("probe.contamination.session.96x160.batch_5", "det.fp16", 0.0, 0.0, "largest change"),
    at_most("probe.non_invariance.session.96x160.batch_5", "det.fp16", 1e-5, 1e-2, "x", witness="batch of 2"),
    at_most("probe.non_invariance.session.96x160.batch_16", "det.fp16", 1e-3, 1e-2, "x", witness="batch of 16"),
)
SHIFT = at_most("parity.box_shift", "det.fp16", 1.25, 1.0, "a box moved", unit="px", witness="lumia.jpg")

RECORDS = (
    Record(
        "export", "export", "det", "k", sources={"det.onnx": SHA}, artifacts=(EXPORTED,), verdicts=(TAKEN,),
        tools=TOOLS, machine="Linux x86_64, 2 CPUs", finished="2026-11-21T04:00:00+00:00",
    ),
    Record(
        "surgery", "surgery", "det.fp16", "k", {EXPORTED.path: SHA}, artifacts=(REPAIRED,), verdicts=(FOLDED, HALF),
        notes={"reasons": REASONS}, tools={"onnx": "1.22"},
    ),
    Record(
        "build", "build.rtx", "det.fp16", "k", {REPAIRED.path: SHA}, settings={"profiles": [PROFILE]},
        artifacts=(ENGINE, SIDECAR), verdicts=(COMPILED, EXECUTED),
        notes={"build_seconds": 0.261, "detail": "1.7.1, 94% half"},
    ),
    Record(
        "validate", "proof", "det.fp16", "k", {EXPORTED.path: SHA, REPAIRED.path: SHA}, verdicts=(PROVEN,),
        notes={"original": f"refuted: {CULPRIT}"},
    ),
    Record("validate", "probe", "det.fp16", "k", verdicts=PROBED),
    Record("validate", "parity", "det.fp16", "k", verdicts=(SHIFT,)),
)  # fmt: skip


def whole_run() -> Manifest:
    """One detector in FP16 that passes everything but a parity check, with an engine that was built, not executed."""
    return Manifest("buffalo", models={"det": ModelEntry(SPEC, "9 outputs", "det.onnx", "research")}, records=RECORDS)


def renamed(manifest: Manifest, name: str) -> Manifest:
    """The same with `name` wherever a name or a text can stand."""
    return Manifest(
        name,
        models={name: replace(manifest.models["det"], reason=name, source=name, licence=name)},
        records=tuple(_renamed(record, name) for record in manifest.records),
    )


def _renamed(record: Record, name: str) -> Record:
    subject = record.subject.replace("det", name)
    verdicts = (
        replace(verdict, subject=subject, reason=name, unit=name, witness=name, check=_named(verdict.check, name))
        for verdict in record.verdicts
    )
    return replace(
        record,
        subject=subject,
        sources=dict.fromkeys((name,), name),
        tools={name: name},
        machine=name,
        finished=name,
        verdicts=tuple(verdicts),
        notes={**record.notes, "reasons": [name], "detail": name, "original": f"{name}: {name}"},
        artifacts=tuple(replace(made, sha256=name) for made in record.artifacts),
    )


def _named(check: str, name: str) -> str:
    """The checks of a target make the columns of the matrix: these keep their names."""
    return check if check.startswith("build.") else f"{check}.{name}"
