"""The one-screen view of a manifest: a matrix of artifacts and checks, and the verdicts that need reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from batchproof.artifacts.manifest import Manifest
from batchproof.verdict import Status, Verdict

COLUMNS = ("export", "surgery", "build.ort", "build.rtx", "build.tensorrt", "probe", "parity")

# From what must be read first to what needs no reading.
_GRAVITY = (Status.REFUTED, Status.FAIL, Status.UNKNOWN, Status.NOT_RUN, Status.PROVEN, Status.PASS)


@dataclass(frozen=True)
class Cell:
    """One entry of the matrix; `status` is None for labels and for checks that do not apply."""

    text: str
    status: Status | None = None


def matrix(manifest: Manifest) -> tuple[list[str], list[list[Cell]]]:
    """Return the heads, and one row per artifact: its model's family, then the gravest answer of every column."""
    columns = [column for column in COLUMNS if any(column_of(verdict) == column for verdict in manifest.verdicts)]
    rows = []
    for subject in dict.fromkeys(verdict.subject for verdict in manifest.verdicts):
        verdicts = [verdict for verdict in manifest.verdicts if verdict.subject == subject]
        rows.append([Cell(subject), *(_cell(verdicts, column) for column in columns)])
    return ["artifact", *columns], rows


def worth_reading(manifest: Manifest) -> list[tuple[Verdict, int]]:
    """Return every verdict that is no success, gravest first; those with one check and reason once, with their count."""
    open_ones = sorted((verdict for verdict in manifest.verdicts if not verdict), key=_gravity)
    counts = Counter((verdict.check, verdict.status, verdict.reason) for verdict in open_ones)
    first = {(verdict.check, verdict.status, verdict.reason): verdict for verdict in reversed(open_ones)}
    return [(first[kind], count) for kind, count in counts.items()]


def column_of(verdict: Verdict) -> str | None:
    """Return the column that a check belongs to, by the start of its name."""
    return next((column for column in COLUMNS if verdict.check == column or verdict.check.startswith(f"{column}.")), None)


def gravest(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict that decides; None when there is none."""
    return min(verdicts, key=_gravity, default=None)


def _gravity(verdict: Verdict) -> int:
    return _GRAVITY.index(verdict.status)


def _cell(verdicts: list[Verdict], column: str) -> Cell:
    decisive = gravest(verdict for verdict in verdicts if column_of(verdict) == column)
    return Cell("") if decisive is None else Cell(decisive.status.value, decisive.status)
