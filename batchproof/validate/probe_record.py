"""What the contamination probe sees while it goes on: every batch checked, and the worst of each difference kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import StepFailedError
from batchproof.runtime import Blob, Outputs, Runner
from batchproof.validate.findings import Difference, Witness
from batchproof.validate.heat_map import HeatMap, worst_of
from batchproof.validate.neighbours import Slots

Amounts = NDArray[np.float64]


class ProbeRecord:
    """Runs batches, checks what comes back, and sums up three kinds of difference."""

    def __init__(self, runner: Runner) -> None:
        self.contamination, self.permutation, self.non_invariance = Largest(), Largest(), Largest()
        self._runner = runner
        self._row_shapes: dict[str, tuple[int, ...]] = {}
        self._changes: dict[int, Amounts] = {}

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
            reference = np.concatenate([single[name] for single in alone])
            self.non_invariance.add(name, departures(rows, reference))

    def compare_poisoned(self, outputs: Outputs, reference: Outputs, slots: Slots, neighbour: str) -> None:
        """Compare the rows that were not poisoned with the same slots of the reference batch."""
        for name, rows in outputs.items():
            victims = np.setdiff1d(np.arange(len(rows)), slots)
            amounts = np.zeros(len(rows))
            amounts[victims] = departures(rows[victims], reference[name][victims])
            self.contamination.add(name, amounts, neighbour, tuple(slots.tolist()))
            if len(slots) == 1:
                column = self._changes.setdefault(len(rows), np.zeros((len(rows), len(rows))))[:, slots[0]]
                np.maximum(column, amounts, out=column)

    def compare_rearranged(self, outputs: Outputs, reference: Outputs, origins: Slots, how: str) -> None:
        """Compare every row with the row of the slot that its picture came from.

        A picture that stayed in its slot saw nothing but its neighbours change.
        """
        stayed = origins == np.arange(len(origins))
        for name, rows in outputs.items():
            amounts = departures(rows, reference[name][origins])
            self.contamination.add(name, np.where(stayed, amounts, 0), how)
            self.permutation.add(name, np.where(stayed, 0, amounts), how)

    def heat_map(self, neighbours: tuple[str, ...]) -> HeatMap | None:
        """Return the worst of the batches that were poisoned one slot at a time."""
        return worst_of(HeatMap(neighbours, tuple(map(tuple, found.tolist()))) for found in self._changes.values())


class Largest:
    """The largest amounts of one kind of difference, by output and slot, and the worst case of all."""

    def __init__(self) -> None:
        self._worst: Witness | None = None
        self._by_slot: dict[str, Amounts] = {}

    def add(self, output: str, amounts: Amounts, neighbour: str | None = None, poisoned: tuple[int, ...] = ()) -> None:
        """Take note of what one batch did to the rows of `output`, `[N]`, in slots 0 to N - 1."""
        known = self._by_slot.get(output, np.zeros(0))
        longest = max(len(known), len(amounts))
        self._by_slot[output] = np.maximum(_padded(known, longest), _padded(amounts, longest))
        slot = int(amounts.argmax())
        if amounts[slot] > (self._worst.amount if self._worst else 0.0):
            self._worst = Witness(float(amounts[slot]), output, len(amounts), slot, neighbour, poisoned)

    @property
    def difference(self) -> Difference:
        """What was found so far."""
        return Difference({name: tuple(found.tolist()) for name, found in self._by_slot.items()}, self._worst)


def departures(rows: NDArray[np.float32], reference: NDArray[np.float32]) -> Amounts:
    """Largest absolute difference of each row to its finite reference, `[n]`; inf for a row that is not finite."""
    difference = np.abs(rows.astype(np.float64) - reference).reshape(len(rows), -1).max(axis=1)
    return np.where(np.isnan(difference), np.inf, difference)


def _padded(amounts: Amounts, length: int) -> Amounts:
    return np.pad(amounts, (0, length - len(amounts)))
