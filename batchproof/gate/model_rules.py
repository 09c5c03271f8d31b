"""Rules about a model as a whole: that it is there, that its licence was read, and how large its files are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePosixPath

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import Artifact, ModelEntry
from batchproof.gate.part import Part
from batchproof.gate.rules import LicenceRules, SizeRules
from batchproof.verdict import Status, Verdict, at_most, not_run

_KINDS = {".onnx": "onnx", ".ort": "ort", ".engine": "engine", ".plan": "engine"}


def judge_presence(model: str, there: bool) -> Verdict:
    """Judge whether a model that is expected is in the store."""
    reason = "is in the store" if there else "the policy expects it, the store has no such model"
    return Verdict("gate.expected", model, Status.PASS if there else Status.FAIL, reason)


def judge_licence(model: str, entry: ModelEntry, rules: LicenceRules) -> Verdict:
    """Pass a licence that is free, or acknowledged for this model in the words of the manifest."""
    check, licence = "gate.licence", entry.licence
    if licence.partition(":")[0] in rules.free:
        return Verdict(check, model, Status.PASS, f"free: {licence}")
    if rules.acknowledged.get(model) == licence:
        return Verdict(check, model, Status.PASS, f"acknowledged: {licence}")
    line = f"{_quoted(model)} = {_quoted(licence)}"
    reason = f"nobody has acknowledged its licence; whoever may, adds to [licence.acknowledged] of the policy: {line}"
    return Verdict(check, model, Status.FAIL, reason)


def judge_sizes(parts: Sequence[Part], rules: SizeRules, subject: str) -> Iterator[Verdict]:
    """Judge the largest file of each kind that there is."""
    limits = asdict(rules)
    for kind, largest in _largest(parts).items():
        reason = f"largest {kind} file"
        yield at_most(
            f"gate.bytes.{kind}", subject, largest.bytes, limits[kind], reason, unit="bytes", witness=largest.path
        )


def judge_growth(now: Sequence[Part], before: Sequence[Part], growth: float, subject: str) -> Iterator[Verdict]:
    """Compare the largest file of each kind with the baseline's."""
    old = _largest(before)
    for kind, largest in _largest(now).items():
        check = f"gate.growth.{kind}"
        if kind in old:
            limit, reason = old[kind].bytes * (1 + growth), f"largest {kind} file; the baseline's has {old[kind].bytes}"
            yield at_most(check, subject, largest.bytes, limit, reason, unit="bytes", witness=largest.path)
        else:
            yield not_run(check, subject, f"the baseline has no {kind} file of this model")


def _quoted(text: str) -> str:
    """Write a string as TOML has it, which takes no halves of a letter as JSON's escapes do."""
    return json.dumps(text, ensure_ascii=False)


def _largest(parts: Sequence[Part]) -> dict[str, Artifact]:
    """Return the largest artifact of every kind; measurements of speed are no part of a model."""
    made = (artifact for part in parts for artifact in part.artifacts)
    deployed = (artifact for artifact in made if PurePosixPath(artifact.path).parts[0] != layout.BENCHMARKS)
    artifacts = sorted(deployed, key=lambda found: found.bytes)
    return {_KINDS.get(PurePosixPath(artifact.path).suffix, "other"): artifact for artifact in artifacts}
