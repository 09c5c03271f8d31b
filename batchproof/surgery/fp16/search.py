"""The search behind a precision plan: conversions of one graph with different nodes in FP32, each measured once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import onnx

from batchproof.surgery.fp16.figures import Comparison, Figures, Limits, misses
from batchproof.surgery.fp16.half_range import activation_peaks, overflowing, vanishing
from batchproof.surgery.fp16.minimal_set import Items, OutOfRunsError, Smallest, smallest_passing
from batchproof.surgery.fp16.samples import Samples
from batchproof.surgery.fp16.summary import float_nodes, half_nodes
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.zoo.spec import ModelSpec

RUNS = 300
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Trial:
    """What conversions are tried on, and against which limits.

    At most `runs` are tried in a search; `progress` is called before each with its number and `runs`. A plan that
    leaves less than `half_share` of the nodes in half is none.
    """

    samples: Samples
    limits: Limits
    runs: int = RUNS
    progress: Progress = lambda number, allowed: None
    half_share: float = 0.0


class FallbackSearch:
    """The search for the nodes of the FP32 graph `model`, all of them named, that must stay in FP32.

    `halves` are the nodes that would compute in half; `unfit` are those among them that must not on any hardware: what
    they read or make is beyond the range of half. `blocked` stay in FP32 anyway: half lacks their operators.
    """

    def __init__(self, model: onnx.ModelProto, spec: ModelSpec, trial: Trial) -> None:
        self._model, self._trial = model, trial
        self._comparison = Comparison(model, spec, trial.samples, trial.limits)
        self._known: dict[frozenset[str], Figures] = {}
        converted, _ = to_fp16(model)
        self.halves, self.blocked = half_nodes(converted), frozenset(float_nodes(converted))
        peaks = activation_peaks(model, trial.samples.blob)
        self.unfit = {name: unfit for name, unfit in overflowing(model, peaks).items() if name in self.halves}
        self._suspects = vanishing(model, peaks)

    @property
    def runs(self) -> int:
        """Count the conversions that were measured."""
        return len(self._known)

    def extra_nodes(self) -> Smallest:
        """Return what must stay in FP32 beside the unfit nodes.

        None if that meets the limits; otherwise some of those whose tensors vanish in half, if keeping all of them
        does; otherwise some of all nodes.
        """
        free = tuple(name for name in self.halves if name not in self.unfit)
        suspects = tuple(name for name in free if name in self._suspects)
        try:
            if self._passes(()):
                return Smallest((), minimal=True)
            return smallest_passing(suspects if self._passes(suspects) else free, self._passes)
        except OutOfRunsError:
            return Smallest(free, minimal=False)

    def measure(self, kept: Collection[str]) -> Figures:
        """Measure the graph that keeps exactly these nodes, however many runs that makes."""
        key = frozenset(kept)
        if key not in self._known:
            self._trial.progress(self.runs + 1, self._trial.runs)
            self._known[key] = self._comparison.as_hardware(to_fp16(self._model, key)[0])
        return self._known[key]

    def known(self, kept: Collection[str]) -> Figures | None:
        """Return the figures of the graph that keeps exactly these nodes, if it was measured."""
        return self._known.get(frozenset(kept))

    def _passes(self, extra: Items) -> bool:
        kept = {*self.unfit, *extra}
        if self.known(kept) is None and self.runs >= self._trial.runs:
            raise OutOfRunsError
        return not misses(self.measure(kept), self._trial.limits)
