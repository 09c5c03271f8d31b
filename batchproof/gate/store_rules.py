"""Whether a store is what its manifest says: every file unchanged, every record about the files that are there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.manifest import Artifact, Manifest
from batchproof.errors import InputError, first_few
from batchproof.gate.part import Part
from batchproof.verdict import Verdict, at_most


def judge_files(root: Path, parts: Sequence[Part], subject: str) -> Verdict:
    """Hash every file again, an ONNX file with its external data."""
    artifacts = [artifact for part in parts for artifact in part.artifacts]
    faults = [f"{artifact.path} {fault}" for artifact in artifacts if (fault := _fault(root, artifact))]
    reason = f"files, of {len(artifacts)}, that are not those of the manifest"
    return at_most("gate.files", subject, len(faults), 0, reason, witness=first_few(faults) or None)


def judge_parents(manifest: Manifest, parts: Sequence[Part], subject: str) -> Verdict:
    """Compare what each step was done with to what is there now: no verdict may outlive its artifact."""
    present = {artifact.path: artifact.sha256 for record in manifest.records for artifact in record.artifacts}
    records = [record for part in parts for record in part.records]
    outdated = [
        f"{record.check} {record.subject} used another {path}"
        for record in records
        for path, sha256 in record.parents.items()
        if present.get(path) != sha256
    ]
    reason = f"parents, of {len(records)} steps, that the store no longer has"
    return at_most("gate.parents", subject, len(outdated), 0, reason, witness=first_few(outdated) or None)


def judge_failures(parts: Sequence[Part], subject: str) -> Verdict:
    """Count what the run itself found wrong, under its own policy."""
    verdicts = [verdict for part in parts for verdict in part.verdicts]
    failed = [
        f"{verdict.subject} {verdict.check}: {verdict.reason}" for verdict in verdicts if verdict.status.is_failure
    ]
    reason = f"verdicts of the run, of {len(verdicts)}, that failed"
    return at_most("gate.failures", subject, len(failed), 0, reason, witness=first_few(failed) or None)


def _fault(root: Path, artifact: Artifact) -> str | None:
    path = root / artifact.path
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != artifact.bytes:
        return f"has {path.stat().st_size} bytes, not {artifact.bytes}"
    try:
        return None if content_sha256(path) == artifact.sha256 else "has another content"
    except InputError as error:
        return error.what
