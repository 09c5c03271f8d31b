"""What a run of many pictures comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from batchproof.deploy.triton.client.driving import Outcome
from batchproof.deploy.triton.client.served_faces import ServedFaces

_SHARES = {"p50": 50, "p90": 90, "p99": 99, "max": 100}


@dataclass
class Tally:
    """Counts outcomes as they come; `skipped` pictures had their answers before."""

    skipped: int = 0
    answered: int = 0
    failed: int = 0
    faces: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome[Path, ServedFaces]) -> None:
        """Count one more."""
        if outcome.answer is None:
            self.failed += 1
            return
        self.answered += 1
        self.faces += len(outcome.answer)
        self.milliseconds.append(outcome.milliseconds)

    def percentiles(self) -> Mapping[str, float]:
        """Milliseconds that so many per cent of the answered pictures took at most; empty when none was."""
        if not self.milliseconds:
            return {}
        figures = np.percentile(self.milliseconds, list(_SHARES.values()))
        return {name: round(float(figure), 1) for name, figure in zip(_SHARES, figures, strict=True)}

    def document(self) -> dict[str, object]:
        """Say it for JSON."""
        counts = {"answered": self.answered, "skipped": self.skipped, "failed": self.failed, "faces": self.faces}
        return {**counts, "milliseconds": self.percentiles()}

    def line(self, seconds: float) -> str:
        """Say it in one line, for a run of so many seconds."""
        before = f", {self.skipped} had theirs before" if self.skipped else ""
        speed = self.answered / seconds if seconds else 0.0
        took = "".join(f", {name} {figure:g} ms" for name, figure in self.percentiles().items())
        counted = f"{self.answered} pictures answered{before}, {self.failed} failed, {self.faces} faces"
        return f"{counted}; {seconds:.1f} s, {speed:.1f} pictures/s{took}"
