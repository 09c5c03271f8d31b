"""The records that a store keeps: what a step declared, and how it ended."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

from batchproof.artifacts.hashing import content_sha256, key_of
from batchproof.artifacts.manifest import Artifact, Record
from batchproof.artifacts.step import Outcome, Step
from batchproof.artifacts.tools import versions
from batchproof.errors import BatchproofError, StepNotRunError, printable
from batchproof.verdict import Status, Verdict


def declared(step: Step, parents: Mapping[str, str]) -> Record:
    """Everything that decides the step's outcome, and the key over it; `parents` are paths and hashes."""
    record = Record(
        stage=step.stage,
        check=step.check,
        subject=step.subject,
        key="",
        parents=dict(parents),
        sources=_hashes(step.sources),
        settings=dict(step.settings),
        tools=versions(step.tools),
    )
    key = key_of({"record": asdict(record), "produces": step.produces})
    return replace(record, key=key, machine=_machine())


def _hashes(sources: Sequence[Path]) -> dict[str, str]:
    """Hash files by their names; what prints like another one is numbered, so that no file stands for two."""
    found: dict[str, str] = {}
    for source in sources:
        name = printable(source.name)
        found[f"{name} ({len(found)})" if name in found else name] = content_sha256(source)
    return found


def succeeded(declaration: Record, outcome: Outcome, artifacts: tuple[Artifact, ...], seconds: float) -> Record:
    """The record of a step that did its work, whatever its verdicts are."""
    return replace(
        declaration,
        artifacts=artifacts,
        verdicts=outcome.verdicts,
        notes=dict(outcome.notes),
        seconds=round(seconds, 3),
        finished=_now(),
    )


def ended(declaration: Record, status: Status, error: BatchproofError) -> Record:
    """A record without artifacts and without a key: the step runs again next time."""
    step = Verdict(f"{declaration.check}.completes", declaration.subject, status, error.line())
    return replace(declaration, key="", verdicts=(step,), finished=_now())


def skipped(step: Step, obstacle: str) -> Record:
    """The record of a step that has nothing to build upon."""
    return ended(Record(step.stage, step.check, step.subject, key=""), Status.NOT_RUN, StepNotRunError(obstacle))


def in_order(records: tuple[Record, ...], steps: tuple[Step, ...]) -> tuple[Record, ...]:
    """Put the records of `steps` in the order of `steps`, in the places that they have among the others."""
    place = {(step.check, step.subject): index for index, step in enumerate(steps)}
    planned = [record for record in records if (record.check, record.subject) in place]
    ordered = iter(sorted(planned, key=lambda record: place[record.check, record.subject]))
    return tuple(next(ordered) if (record.check, record.subject) in place else record for record in records)


def _machine() -> str:
    """Describe what the seconds of a record were measured on."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
