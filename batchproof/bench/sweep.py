"""The sweep: every engine of a model at every batch, all taking turns, with host transfer and without."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from batchproof.artifacts import onnx_file
from batchproof.bench.candidate import Candidate
from batchproof.bench.clocks import Reading, readings, snapshot
from batchproof.bench.executor import open_executor
from batchproof.bench.figures import BatchFigures, Latency, LeftOut, throughput
from batchproof.bench.graph_work import work_of_one
from batchproof.bench.machine_roof import CpuRoof
from batchproof.bench.roofline import Roof, below
from batchproof.bench.settings import BenchSettings
from batchproof.bench.sweep_file import SweepFile
from batchproof.bench.turns import Repeatable, Samples, repetitions, take_turns
from batchproof.bench.work import Work
from batchproof.build.limited_runner import Limits
from batchproof.errors import BatchproofError, StepFailedError, StepNotRunError
from batchproof.profile_text import Size

# Of all repetitions of one batch: some ten seconds a model, more only where single batches are slow.
_BUDGET_SECONDS = 0.3
_SLOWEST_SECONDS = 1.0


class Case(NamedTuple):
    """What takes a turn: a batch of a candidate."""

    candidate: str
    batch: int
    with_transfer: bool


@dataclass(frozen=True)
class _Ready:
    """A candidate whose batches have all been run once."""

    candidate: Candidate
    size: Size
    runner: str
    works: dict[Case, Repeatable]
    counts: dict[Case, int]
    left_out: tuple[LeftOut, ...]


class ModelSweep:
    """The engines of one model, all measured together when the first of them is asked for."""

    def __init__(self, candidates: Sequence[Candidate], settings: BenchSettings, roof: CpuRoof) -> None:
        self._candidates, self._settings, self._roof = candidates, settings, roof

    def of(self, candidate: Candidate) -> SweepFile:
        """Return what was measured of one of them.

        Raises `StepNotRunError` for what nothing here executes or of which no batch could be measured, and
        `StepFailedError` for what does not load.
        """
        found = self._measured[candidate.name]
        if isinstance(found, BatchproofError):
            raise found
        return found

    @cached_property
    def _measured(self) -> dict[str, SweepFile | BatchproofError]:
        with ExitStack() as stack:
            opened = {candidate.name: self._opened(candidate, stack) for candidate in self._candidates}
            try:
                return self._took_turns(opened)
            except StepFailedError as error:  # who took turns with it was not measured either
                return {name: error if isinstance(one, _Ready) else one for name, one in opened.items()}

    def _took_turns(self, opened: dict[str, _Ready | BatchproofError]) -> dict[str, SweepFile | BatchproofError]:
        ready = [one for one in opened.values() if isinstance(one, _Ready)]
        before = snapshot()
        self._look(ready)
        samples = take_turns(
            {case: work for one in ready for case, work in one.works.items()},
            {case: count for one in ready for case, count in one.counts.items()},
        )
        self._look(ready)
        read = readings(before, snapshot())
        return {
            name: self._summed_up(one, samples, read) if isinstance(one, _Ready) else one
            for name, one in opened.items()
        }

    def _look(self, ready: Sequence[_Ready]) -> None:
        """Measure the roof, where something will be placed below it."""
        if any(one.candidate.on_cpu for one in ready):
            self._roof.look()

    def _opened(self, candidate: Candidate, stack: ExitStack) -> _Ready | BatchproofError:
        # Their sessions all live at the same time.
        sharing = sum(one.on_cpu for one in self._candidates) or 1
        limits = Limits(Limits.memory_bytes // sharing, _SLOWEST_SECONDS)
        try:
            return _ready(candidate, self._settings, limits, stack)
        except (StepFailedError, StepNotRunError) as error:
            return error

    def _summed_up(self, one: _Ready, samples: dict[Case, Samples], read: tuple[Reading, ...]) -> SweepFile:
        candidate, (height, width) = one.candidate, one.size
        work = work_of_one(
            onnx_file.read(candidate.root / candidate.graph), candidate.spec.input.shape(1, height, width)
        )
        roof = self._roof.best if candidate.on_cpu and not work.unknown else None
        return SweepFile(
            model=candidate.model,
            subject=candidate.subject,
            backend=candidate.backend,
            runner=one.runner,
            on_cpu=candidate.on_cpu,
            height=height,
            width=width,
            threads=self._settings.threads,
            batches=tuple(_figures(one, samples, work, roof)),
            left_out=one.left_out,
            work=work,
            roof=roof,
            readings=read,
        )


def _ready(candidate: Candidate, settings: BenchSettings, limits: Limits, stack: ExitStack) -> _Ready:
    """Load a candidate, and run each batch that it takes once: that warms it up, and tells how often to repeat it.

    It is open until `stack` closes it.
    """
    size, outside = candidate.size(settings.size), candidate.outside(settings.batches)
    left_out, works, counts = list(outside), dict[Case, Repeatable](), dict[Case, int]()
    inside = [batch for batch in settings.batches if batch not in {one.batch for one in outside}]
    if not inside:
        raise StepNotRunError(f"none of the batches {_listed(settings.batches)}: {outside[0].reason}")
    executor = open_executor(candidate, size, inside[-1], settings.threads, limits)
    stack.callback(executor.close)
    for batch in inside:
        try:
            pair = executor.ready(batch)
            count = repetitions(_seconds(pair[1]), _BUDGET_SECONDS, settings.rounds)
        except StepFailedError as error:
            left_out.append(LeftOut(batch, error.what))
            continue
        for with_transfer, work in zip((True, False), pair, strict=True):
            case = Case(candidate.name, batch, with_transfer)
            works[case], counts[case] = work, count
    if not works:
        raise StepNotRunError(f"no batch could be measured: {left_out[-1].reason}")
    return _Ready(candidate, size, executor.name, works, counts, tuple(left_out))


def _seconds(work: Repeatable) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _figures(one: _Ready, samples: dict[Case, Samples], work: Work, roof: Roof | None) -> Iterator[BatchFigures]:
    found = {case: Latency.of(samples[case]) for case in one.works}
    rates = {case.batch: throughput(case.batch, latency) for case, latency in found.items() if case.with_transfer}
    for batch, rate in rates.items():
        sent, resident = (found[Case(one.candidate.name, batch, there)] for there in (True, False))
        point = None if roof is None else below(roof, work, batch, resident.p50_ms / 1e3)
        yield BatchFigures(batch, sent, resident, rate, rate / rates[1] if 1 in rates else None, point)


def _listed(batches: Sequence[int]) -> str:
    return ", ".join(map(str, batches))
