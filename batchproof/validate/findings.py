"""What the contamination probe found, and the verdicts on it."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.policy import ProbeLimits
from batchproof.verdict import Status, Verdict, at_most, not_run


@dataclass(frozen=True)
class Witness:
    """The largest difference seen and where: `neighbour` in the slots `poisoned` changed the row `slot` of `output`."""

    amount: float
    output: str
    batch: int
    slot: int
    neighbour: str | None = None
    poisoned: tuple[int, ...] = ()

    def __str__(self) -> str:
        """One phrase for a verdict."""
        where = f"output '{self.output}', batch of {self.batch}, slot {self.slot}"
        return f"{where}, {self.neighbour} in slot {', '.join(map(str, self.poisoned))}" if self.neighbour else where


@dataclass(frozen=True)
class OutputFigures:
    """The largest absolute differences of one output over everything that was tried."""

    output: str
    contamination: float
    non_invariance: float


@dataclass(frozen=True)
class ProbeResult:
    """What the probe saw on one runner.

    `broken` is the reason why the model cannot be said to work in batches at all; the figures then cover only what ran
    before. `contamination` and `non_invariance` are the worst cases, None when there was no difference.
    """

    runner: str
    height: int
    width: int
    batch_sizes: tuple[int, ...]
    figures: tuple[OutputFigures, ...]
    contamination: Witness | None
    non_invariance: Witness | None
    broken: str | None = None


def verdicts(result: ProbeResult, subject: str, limits: ProbeLimits) -> list[Verdict]:
    """Judge a result: one row a picture, no contamination, and no more non-invariance than rounding explains."""
    tried = f"{result.runner}, {result.width}x{result.height}, batches of {', '.join(map(str, result.batch_sizes))}"
    if result.broken is not None:
        later = "the model does not keep its pictures apart"
        return [
            Verdict("probe.rows", subject, Status.FAIL, f"{result.broken} ({tried})"),
            not_run("probe.contamination", subject, later),
            not_run("probe.non_invariance", subject, later),
        ]
    return [
        Verdict("probe.rows", subject, Status.PASS, f"every output has one finite row a picture ({tried})"),
        at_most(
            "probe.contamination",
            subject,
            max((figures.contamination for figures in result.figures), default=0.0),
            limits.contamination,
            f"largest change of a row by its neighbours' content ({tried})",
            witness=str(result.contamination) if result.contamination else None,
        ),
        at_most(
            "probe.non_invariance",
            subject,
            max((figures.non_invariance for figures in result.figures), default=0.0),
            limits.non_invariance,
            f"largest difference of a row to the same picture alone ({tried})",
            witness=str(result.non_invariance) if result.non_invariance else None,
        ),
    ]
