"""A manifest by its parts: each model's original, its graph in each precision, and what belongs to no model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.verdict import Verdict
from batchproof.zoo.spec import Precision

_PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_NOBODY = ("", None)


@dataclass(frozen=True)
class Part:
    """The records about one model's original (`precision` is None), or about its graph in one precision."""

    model: str
    precision: Precision | None
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """The subject of its verdicts: `det_10g`, `det_10g.fp16`."""
        return f"{self.model}.{self.precision}" if self.precision else self.model

    def about(self, subject: str) -> Part:
        """Return the records about one subject of what belongs to no model."""
        return Part(subject, None, tuple(record for record in self.records if record.subject == subject))

    @property
    def artifacts(self) -> Iterator[Artifact]:
        """The files that its steps made."""
        return (artifact for record in self.records for artifact in record.artifacts)

    @property
    def verdicts(self) -> Iterator[Verdict]:
        """Everything that was said of it."""
        return (verdict for record in self.records for verdict in record.verdicts)


class Parts:
    """The parts of a manifest."""

    def __init__(self, manifest: Manifest) -> None:
        self._records: dict[tuple[str, Precision | None], list[Record]] = defaultdict(list)
        for record in manifest.records:
            self._records[_place(record, manifest.models)].append(record)

    @property
    def of_nobody(self) -> Part:
        """What belongs to no model: scripts of whole targets."""
        return self.part(*_NOBODY)

    def part(self, model: str, precision: Precision | None) -> Part:
        """Return one part; it has no records where no step was about it."""
        return Part(model, precision, tuple(self._records.get((model, precision), ())))

    def graphs(self, model: str, wanted: Iterable[Precision] = ()) -> list[Part]:
        """Return the graphs of a model: those that are `wanted`, and all others that are there."""
        there = {precision for name, precision in self._records if name == model}
        return [self.part(model, precision) for precision in _PRECISIONS if precision in {*wanted, *there}]

    def of(self, model: str) -> list[Part]:
        """Return all parts of a model, its original first."""
        return [self.part(model, None), *self.graphs(model)]


def of_check(verdicts: Iterable[Verdict], check: str) -> list[Verdict]:
    """Return the verdicts of `check` and of what is below it: `probe.rows` is below `probe`."""
    return [verdict for verdict in verdicts if f"{verdict.check}.".startswith(f"{check}.")]


def _place(record: Record, models: Iterable[str]) -> tuple[str, Precision | None]:
    """Find model and precision of a record; several engines of a graph have their profiles behind both."""
    if record.stage == "export":
        return (record.subject, None) if record.subject in models else _NOBODY
    owners = [
        (model, precision)
        for model in models
        for precision in _PRECISIONS
        if f"{record.subject}.".startswith(f"{model}.{precision}.")
    ]
    return max(owners, key=lambda owner: len(owner[0]), default=_NOBODY)
