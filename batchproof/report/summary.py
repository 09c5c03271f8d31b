"""The one-screen view of a manifest: a matrix of artifacts and checks, and the verdicts that need reading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from batchproof.artifacts.manifest import Manifest
from batchproof.verdict import Status, Verdict

# The stages and checks that a row is about; those of the build stage are one column for each target.
_BEFORE_BUILD = ("export", "surgery")
_AFTER_BUILD = ("proof", "probe", "parity")
_FOR_CONTAINERS = (".job", ".script")
# A target may have dots in its name, behind which are numbers: build.deepstream-8.0.compiles
_OF_BUILD = re.compile(r"(build\..+?)(?:\.[a-z_]+)*")

# From what must be read first to what needs no reading.
_GRAVITY = (Status.REFUTED, Status.FAIL, Status.UNKNOWN, Status.NOT_RUN, Status.PROVEN, Status.PASS)


@dataclass(frozen=True)
class Cell:
    """One entry of the matrix; `status` is None for labels and for checks that do not apply."""

    text: str
    status: Status | None = None


def matrix(manifest: Manifest) -> tuple[list[str], list[list[Cell]]]:
    """Return the heads, and one row for each model's original and each precision: the answer of every column."""
    columns = _columns(manifest)
    rows = []
    for subject in _by_model(manifest, columns):
        verdicts = [verdict for verdict in manifest.verdicts if verdict.subject == subject]
        rows.append([Cell(_label(manifest, subject)), *(_cell(verdicts, column) for column in columns)])
    return ["artifact", *(column.removeprefix("build.") for column in columns)], rows


def overall(verdicts: Iterable[Verdict]) -> tuple[Status, bool] | None:
    """Sum several verdicts up: the gravest decided answer, and whether something beside it was not run.

    Not run is the answer only when nothing else was; None when there is no verdict.
    """
    statuses = sorted((verdict.status for verdict in verdicts), key=_GRAVITY.index)
    decided = [status for status in statuses if status is not Status.NOT_RUN]
    if not statuses:
        return None
    return (decided or statuses)[0], bool(decided) and len(decided) < len(statuses)


def worth_reading(manifest: Manifest) -> list[tuple[Verdict, int]]:
    """Return every verdict that is no success, gravest first; equal checks and reasons once, with their count."""
    open_ones = sorted(
        (verdict for verdict in manifest.verdicts if not verdict), key=lambda verdict: _GRAVITY.index(verdict.status)
    )
    counts = Counter((verdict.check, verdict.status, verdict.reason) for verdict in open_ones)
    first = {(verdict.check, verdict.status, verdict.reason): verdict for verdict in reversed(open_ones)}
    return [(first[kind], count) for kind, count in counts.items()]


def column_of(verdict: Verdict) -> str:
    """Name the column that a verdict belongs to: its stage or check, for builds with their target.

    None ("") for what a container is given: that is no engine yet.
    """
    if verdict.check.endswith(_FOR_CONTAINERS):
        return ""
    build = _OF_BUILD.fullmatch(verdict.check)
    return build[1] if build else verdict.check.partition(".")[0]


def _columns(manifest: Manifest) -> list[str]:
    found = dict.fromkeys(map(column_of, manifest.verdicts))
    targets = [column for column in found if column.startswith("build.")]
    return [column for column in (*_BEFORE_BUILD, *targets, *_AFTER_BUILD) if column in found]


def _by_model(manifest: Manifest, columns: list[str]) -> list[str]:
    """Order the subjects: a model's original and its precisions together, models in the order of the pack."""
    shown = (verdict for verdict in manifest.verdicts if column_of(verdict) in columns)
    models = list(manifest.models)

    def place(subject: str) -> int:
        owner = _owner(manifest, subject)
        return models.index(owner) if owner in models else len(models)

    return sorted(dict.fromkeys(verdict.subject for verdict in shown), key=place)


def _owner(manifest: Manifest, subject: str) -> str:
    """Find the model that a subject belongs to: `det.fp16`, and `det.fp16.b1-8-8` where it has several engines."""
    owners = (model for model in manifest.models if subject == model or subject.startswith(f"{model}."))
    return max(owners, key=len, default="")


def _label(manifest: Manifest, subject: str) -> str:
    """Name a precision, and the profiles of one of several engines, by itself below the row of its model."""
    owner = _owner(manifest, subject)
    return f"- {subject.removeprefix(f'{owner}.').replace('.', ' ', 1)}" if owner and owner != subject else subject


def _cell(verdicts: list[Verdict], column: str) -> Cell:
    summed = overall(verdict for verdict in verdicts if column_of(verdict) == column)
    if summed is None:
        return Cell("")
    status, partly = summed
    return Cell(f"{status.value}*" if partly else status.value, status)
