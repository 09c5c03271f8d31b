"""What the contamination probe found, and the verdicts on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import with_config

from batchproof.policy import ProbeLimits
from batchproof.validate.heat_map import WRITTEN, HeatMap, worst_of
from batchproof.verdict import Status, Verdict, at_most, not_run


@with_config(WRITTEN)
@dataclass(frozen=True)
class Witness:
    """The largest difference seen and where: `neighbour` in the slots `poisoned` changed the row `slot` of `output`.

    Without poisoned slots `neighbour` is how the batch was rearranged; None when the picture stood alone before.
    """

    amount: float
    output: str
    batch: int
    slot: int
    neighbour: str | None = None
    poisoned: tuple[int, ...] = ()

    def __str__(self) -> str:
        """One phrase for a verdict."""
        where = f"output '{self.output}', batch of {self.batch}, slot {self.slot}"
        if self.neighbour is None:
            return where
        return f"{where}, {self.neighbour} in slot {', '.join(map(str, self.poisoned))}".removesuffix(" in slot ")


@with_config(WRITTEN)
@dataclass(frozen=True)
class Difference:
    """One kind of difference: `largest[output][slot]` is absolute and over everything that was tried.

    `worst` is None when there was no difference at all.
    """

    largest: dict[str, tuple[float, ...]]
    worst: Witness | None = None

    @property
    def amount(self) -> float:
        """The worst amount; 0 when there was no difference."""
        return self.worst.amount if self.worst else 0.0


@with_config(WRITTEN)
@dataclass(frozen=True)
class ProbeResult:
    """What the probe saw on one runner, in one scene.

    `contamination`: neighbours' content changed a row. `permutation`: a row changed when its picture moved to another
    slot of a batch of the same size. `non_invariance`: a row is not what the picture gives alone. `broken` is the
    reason why the model cannot be said to work in batches at all; the figures then cover only what ran before.
    `heat_map` is None when no batch was poisoned one slot at a time. `label` names the scene among others.
    """

    runner: str
    height: int
    width: int
    batch_sizes: tuple[int, ...]
    contamination: Difference
    permutation: Difference
    non_invariance: Difference
    heat_map: HeatMap | None = None
    broken: str | None = None
    label: str = ""

    @property
    def scene(self) -> str:
        """Label, size and largest batch, `session.96x160.batch_5`; empty without a label."""
        return f"{self.label}.{self.height}x{self.width}.batch_{self.batch_sizes[-1]}" if self.label else ""


def worst_mapped(results: Iterable[ProbeResult]) -> ProbeResult | None:
    """Return the result whose heat map has the largest change; the largest batch among equals. None without any map."""
    mapped = [(result.heat_map, result) for result in results if result.heat_map]
    worst = worst_of(found for found, _ in mapped)
    return next((result for found, result in mapped if found is worst), None)


_REASONS = {
    "contamination": "largest change of a row by its neighbours' content",
    "permutation": "largest change of a row by moving its picture to another slot",
    "non_invariance": "largest difference of a row to the same picture alone",
}


def verdicts(result: ProbeResult, subject: str, limits: ProbeLimits) -> list[Verdict]:
    """Judge a result: one row a picture, no contamination, and no more non-invariance than rounding explains.

    Rows must follow their pictures through a permutation as exactly as they must ignore their neighbours; there is no
    verdict on that where no picture moved. Checks are named after the scene.
    """
    tried = f"{result.runner}, {result.width}x{result.height}, batches of {_list(result.batch_sizes)}"
    if result.broken is not None:
        later = "the model does not keep its pictures apart"
        rows = Verdict(_check("rows", result), subject, Status.FAIL, f"{result.broken} ({tried})")
        return [rows, *(not_run(_check(name, result), subject, later) for name in _REASONS)]
    reason = f"every output has one finite row a picture ({tried})"
    measured = [name for name in _REASONS if name != "permutation" or result.permutation.largest]
    thresholds = dict.fromkeys(measured, limits.contamination) | {"non_invariance": limits.non_invariance}
    return [
        Verdict(_check("rows", result), subject, Status.PASS, reason),
        *(_judged(name, result, subject, threshold, tried) for name, threshold in thresholds.items()),
    ]


def _judged(name: str, result: ProbeResult, subject: str, threshold: float, tried: str) -> Verdict:
    difference: Difference = getattr(result, name)
    witness = str(difference.worst) if difference.worst else None
    check, reason = _check(name, result), f"{_REASONS[name]} ({tried})"
    return at_most(check, subject, difference.amount, threshold, reason, witness=witness)


def _check(name: str, result: ProbeResult) -> str:
    return f"probe.{name}.{result.scene}".rstrip(".")


def _list(sizes: tuple[int, ...]) -> str:
    """`1, 2, 3, 5`; the rows of a long list that follow one another are told by their ends: `4, 6..15`."""
    runs: list[list[int]] = []
    for size in sizes:
        if runs and size == runs[-1][-1] + 1:
            runs[-1].append(size)
        else:
            runs.append([size])
    return ", ".join(f"{run[0]}..{run[-1]}" if len(run) > 3 else ", ".join(map(str, run)) for run in runs)
