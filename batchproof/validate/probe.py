"""The contamination probe: a picture's answer must not depend on what else is in the batch.

It is empirical and runs on whatever executes. Two figures are kept apart. *Contamination*: the same picture in the
same slot of a batch of the same size answers differently when its neighbours' content changes; nothing excuses that.
*Non-invariance*: a picture alone and in a batch answers differently, which other kernels for other sizes may excuse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import InputError, StepFailedError
from batchproof.runtime import Blob, Outputs, Runner
from batchproof.validate.findings import OutputFigures, ProbeResult, Witness
from batchproof.validate.neighbours import NEIGHBOURS, Scene, Slots, poisonings
from batchproof.zoo.spec import InputSpec


@dataclass(frozen=True)
class ProbeSettings:
    """Batch sizes to try, the kinds of neighbour to put beside a picture, and the seed of the noise."""

    batch_sizes: tuple[int, ...] = (1, 2, 3, 5)
    neighbours: tuple[str, ...] = tuple(NEIGHBOURS)
    seed: int = 0


def probe(runner: Runner, spec: InputSpec, pool: Blob, settings: ProbeSettings) -> ProbeResult:
    """Probe `runner` with batches drawn from `pool`, `[P, 3, H, W]`, P >= 2 different real pictures.

    Guaranteed for every batch size: every slot sees every kind of neighbour in every other slot, and every picture of
    the pool is a victim in every slot. A neighbour that makes another row NaN or infinite counts as infinite
    contamination. Four to eight pictures are enough: the cost grows with their number. Raises `InputError` for
    unusable pools and batch sizes.
    """
    _check(pool, settings)
    record = _Record(runner)
    random = np.random.default_rng(settings.seed)
    broken = None
    try:
        alone = [record.run(pool[index : index + 1]) for index in range(len(pool))]
        for size in settings.batch_sizes:
            _probe_size(record, spec, pool, alone, size, settings.neighbours, random)
    except StepFailedError as error:
        broken = error.what
    return record.result(pool, settings, broken)


def _check(pool: Blob, settings: ProbeSettings) -> None:
    if all(np.array_equal(pool[0], other) for other in pool):
        raise InputError("the probe needs at least two different pictures")
    if not settings.batch_sizes or min(settings.batch_sizes) < 1:
        raise InputError(f"batch sizes {list(settings.batch_sizes)} are unusable", remedy="Give numbers of 1 and above")


def _probe_size(
    record: _Record,
    spec: InputSpec,
    pool: Blob,
    alone: list[Outputs],
    size: int,
    kinds: tuple[str, ...],
    random: np.random.Generator,
) -> None:
    """Turn the pool through the slots, one kind of neighbour a turn, until pictures and kinds have all had theirs."""
    references: dict[int, Outputs] = {}
    for turn in range(max(len(kinds), len(pool))):
        members = (np.arange(size) + turn) % len(pool)
        scene = Scene(spec, pool, members, random)
        first = turn % len(pool)
        if first not in references:
            references[first] = record.run(scene.batch)
            record.compare_alone(references[first], [alone[member] for member in members])
        neighbour = kinds[turn % len(kinds)]
        for slots in poisonings(size):
            outputs = record.run(scene.poisoned(slots, neighbour), ordinary=False)
            record.compare_poisoned(outputs, references[first], slots, neighbour)


class _Record:
    """Runs batches, checks what comes back, and keeps the worst case of each output."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._row_shapes: dict[str, tuple[int, ...]] = {}
        self._contamination: dict[str, Witness] = {}
        self._non_invariance: dict[str, Witness] = {}

    def run(self, batch: Blob, *, ordinary: bool = True) -> Outputs:
        """Run a batch; raise `StepFailedError` unless outputs have one row a picture, finite in ordinary batches."""
        outputs = self._runner.infer(batch)
        for name, rows in outputs.items():
            row_shape = self._row_shapes.setdefault(name, rows.shape[1:])
            if rows.shape != (len(batch), *row_shape):
                found, expected = list(rows.shape), [len(batch), *row_shape]
                raise StepFailedError(f"output '{name}' is {found} for a batch of {len(batch)}, expected {expected}")
            if ordinary and not np.isfinite(rows).all():
                raise StepFailedError(
                    f"output '{name}' is NaN or infinite for ordinary pictures, batch of {len(batch)}"
                )
        return outputs

    def compare_alone(self, outputs: Outputs, alone: list[Outputs]) -> None:
        """Compare every row of a batch with the same picture alone."""
        for name, rows in outputs.items():
            amounts = departures(rows, np.concatenate([single[name] for single in alone]))
            slot = int(amounts.argmax())
            _keep_worst(self._non_invariance, Witness(float(amounts[slot]), name, len(rows), slot))

    def compare_poisoned(self, outputs: Outputs, reference: Outputs, slots: Slots, neighbour: str) -> None:
        """Compare the rows that were not poisoned with the same slots of the reference batch."""
        for name, rows in outputs.items():
            victims = np.setdiff1d(np.arange(len(rows)), slots)
            amounts = departures(rows[victims], reference[name][victims])
            worst = int(amounts.argmax())
            where = tuple(int(slot) for slot in slots)
            witness = Witness(float(amounts[worst]), name, len(rows), int(victims[worst]), neighbour, where)
            _keep_worst(self._contamination, witness)

    def result(self, pool: Blob, settings: ProbeSettings, broken: str | None) -> ProbeResult:
        """Sum up."""
        figures = tuple(
            OutputFigures(name, _amount(self._contamination, name), _amount(self._non_invariance, name))
            for name in self._row_shapes
        )
        return ProbeResult(
            runner=self._runner.name,
            height=pool.shape[2],
            width=pool.shape[3],
            batch_sizes=settings.batch_sizes,
            figures=figures,
            contamination=_worst(self._contamination),
            non_invariance=_worst(self._non_invariance),
            broken=broken,
        )


def departures(rows: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float64]:
    """Largest absolute difference of each row to its finite reference, `[n]`; inf for a row that is not finite."""
    difference = np.abs(rows.astype(np.float64) - reference).reshape(len(rows), -1).max(axis=1)
    return np.where(np.isnan(difference), np.inf, difference)


def _keep_worst(found: dict[str, Witness], witness: Witness) -> None:
    if witness.amount > _amount(found, witness.output):
        found[witness.output] = witness


def _amount(found: dict[str, Witness], output: str) -> float:
    return found[output].amount if output in found else 0.0


def _worst(found: dict[str, Witness]) -> Witness | None:
    return max(found.values(), key=lambda witness: witness.amount, default=None)
