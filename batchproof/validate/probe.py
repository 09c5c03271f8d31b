"""The contamination probe: a picture's answer must not depend on what else is in the batch.

It is empirical and runs on whatever executes. Three figures are kept apart. *Contamination*: the same picture in the
same slot of a batch of the same size answers differently when its neighbours' content changes; nothing excuses that.
*Permutation*: the same pictures in other slots of a batch of the same size answer differently. *Non-invariance*: a
picture alone and in a batch answers differently, which other kernels for other sizes may excuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from batchproof.errors import InputError, StepFailedError
from batchproof.runtime import Blob, Outputs, Runner
from batchproof.validate.findings import ProbeResult
from batchproof.validate.neighbours import NEIGHBOURS, REARRANGEMENTS, Scene, Slots, poisonings
from batchproof.validate.probe_record import ProbeRecord
from batchproof.zoo.spec import InputSpec


@dataclass(frozen=True)
class ProbeSettings:
    """Batch sizes to try, the kinds of neighbour to put beside a picture, and the seed of the noise.

    `poisonings` gives the sets of slots to poison in a batch of some size. `turns` is how many of the pool's rotations
    to try; None for as many as show every picture and every kind. The pictures change places as `rearrangements` says.
    """

    batch_sizes: tuple[int, ...] = (1, 2, 3, 5)
    neighbours: tuple[str, ...] = tuple(NEIGHBOURS)
    seed: int = 0
    poisonings: Callable[[int], list[Slots]] = poisonings
    turns: int | None = None
    rearrangements: tuple[str, ...] = tuple(REARRANGEMENTS)


def probe(runner: Runner, spec: InputSpec, pool: Blob, settings: ProbeSettings) -> ProbeResult:
    """Probe `runner` with batches drawn from `pool`, `[P, 3, H, W]`, P >= 2 different real pictures.

    Guaranteed for every batch size, unless `settings` ask for less: every slot sees every kind of neighbour in every
    other slot, and every picture of the pool is a victim in every slot. A neighbour that makes another row NaN or
    infinite counts as infinite contamination. Four to eight pictures are enough: the cost grows with their number.
    Raises `InputError` for unusable pools and batch sizes.
    """
    _check(pool, settings)
    record = ProbeRecord(runner)
    random = np.random.default_rng(settings.seed)
    broken = None
    try:
        alone = [record.run(pool[index : index + 1]) for index in range(len(pool))]
        for size in settings.batch_sizes:
            _probe_size(record, spec, pool, alone, size, settings, random)
    except StepFailedError as error:
        broken = error.what
    return ProbeResult(
        runner=runner.name,
        height=pool.shape[2],
        width=pool.shape[3],
        batch_sizes=settings.batch_sizes,
        contamination=record.contamination.difference,
        permutation=record.permutation.difference,
        non_invariance=record.non_invariance.difference,
        heat_map=record.heat_map(settings.neighbours),
        broken=broken,
    )


def _check(pool: Blob, settings: ProbeSettings) -> None:
    if all(np.array_equal(pool[0], other) for other in pool):
        raise InputError("the probe needs at least two different pictures")
    if not settings.batch_sizes or min(settings.batch_sizes) < 1:
        raise InputError(f"batch sizes {list(settings.batch_sizes)} are unusable", remedy="Give numbers of 1 and above")


def _probe_size(
    record: ProbeRecord,
    spec: InputSpec,
    pool: Blob,
    alone: list[Outputs],
    size: int,
    settings: ProbeSettings,
    random: np.random.Generator,
) -> None:
    """Turn the pool through the slots, one kind of neighbour a turn, until pictures and kinds have all had theirs."""
    references: dict[int, Outputs] = {}
    kinds = settings.neighbours
    for turn in range(settings.turns or max(len(kinds), len(pool))):
        members = (np.arange(size) + turn) % len(pool)
        scene = Scene(spec, pool, members, random)
        first = turn % len(pool)
        if first not in references:
            references[first] = record.run(scene.batch)
            record.compare_alone(references[first], [alone[member] for member in members])
        # By the size too: where there is one turn only, one size after another gets another kind.
        neighbour = kinds[(turn + size // 2) % len(kinds)]
        for slots in settings.poisonings(size):
            outputs = record.run(scene.poisoned(slots, neighbour), ordinary=False)
            record.compare_poisoned(outputs, references[first], slots, neighbour)
    _rearrange(record, pool, size, references[0], settings.rearrangements)


def _rearrange(record: ProbeRecord, pool: Blob, size: int, reference: Outputs, names: tuple[str, ...]) -> None:
    """Let the pictures of the first turn change places."""
    slots = np.arange(size)
    for name in names if size > 1 else ():
        origins = REARRANGEMENTS[name](slots)
        outputs = record.run(np.take(pool, origins % len(pool), axis=0))
        record.compare_rearranged(outputs, reference, origins, name)
