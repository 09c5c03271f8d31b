"""The scenes in which a whole model is probed: which sizes, which batches, which neighbours, for a bounded cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from batchproof.pipeline.detect import prepare
from batchproof.pipeline.picture import Pixels
from batchproof.profile import Profile
from batchproof.profile_text import Size
from batchproof.runtime import Blob, Runner
from batchproof.validate.findings import ProbeResult
from batchproof.validate.neighbours import Slots, every_other, singles
from batchproof.validate.probe import ProbeSettings, probe
from batchproof.zoo.spec import ModelSpec

POOL = 3
"""Pictures that the probe turns through the slots; its cost grows with their number."""

# A size that is not square shows swapped axes, and a small one leaves time for every slot and every neighbour.
_SMALL, _BATCHES = (96, 160), (1, 2, 3, 5)
# At the size and at the largest batch that are deployed other kernels may run; time allows the worst neighbours only.
_PAIR, _WORST, _MOVED = (2,), ("other picture", "nan"), ("rotated", "same picture")
# All other batches of the profile get one look at a size that is smaller still.
_TINY = (64, 96)
# Beyond this many, only the batches around powers of two: it is there that kernels change.
_EVERY_BATCH_UP_TO = 32


@dataclass(frozen=True)
class _Scene:
    size: Size
    pictures: Sequence[Pixels]
    settings: ProbeSettings


def probe_model(
    runner: Runner, label: str, spec: ModelSpec, pictures: Sequence[Pixels], profile: Profile
) -> list[ProbeResult]:
    """Probe `runner` with the first `POOL` pictures, uint8, BGR, and the negative of one; one picture is enough.

    Small batches at a small size with every neighbour; the optimum and the maximum of `profile` with the worst of them;
    every other batch of `profile` once (beyond 32 those around powers of two), with half of its slots poisoned.
    Detectors of free size also run in pairs at the size of `profile`, and where that is square at one that is not.
    """
    pool = [*pictures[:POOL], ~pictures[0]]
    return [replace(_probe(runner, spec, scene), label=label) for scene in _scenes(spec, pool, profile)]


def _scenes(spec: ModelSpec, pool: Sequence[Pixels], profile: Profile) -> list[_Scene]:
    pair = pool[-2:]
    large = tuple(dict.fromkeys(batch for batch in (profile.optimum, profile.maximum) if batch > max(_BATCHES)))
    scenes = [_Scene(_SMALL, pool, ProbeSettings(_BATCHES))]
    scenes += [_Scene(_SMALL, pair, ProbeSettings((batch,), _WORST, rearrangements=_MOVED)) for batch in large]
    if others := _others(profile, (*_BATCHES, *large)):
        look = ProbeSettings(others, _WORST, poisonings=_half, turns=1, rearrangements=())
        scenes.append(_Scene(_TINY, pair, look))
    if spec.input.dynamic_size:
        scenes.append(_Scene(profile.size, pair, ProbeSettings(_PAIR)))
        if profile.height == profile.width and (narrow := _narrow(profile, spec)):
            scenes.append(_Scene(narrow, pair, ProbeSettings(_PAIR, _WORST)))
    return scenes


def _probe(runner: Runner, spec: ModelSpec, scene: _Scene) -> ProbeResult:
    """Probe a scene; what contaminated a batch too large to poison slot by slot is then looked for in that batch."""
    height, width = spec.input.shape(1, *_stretched(scene.size, spec))[2:]
    blob: Blob = prepare(scene.pictures, spec.input, height, width).blob
    result = probe(runner, spec.input, blob, scene.settings)
    worst = result.contamination.worst
    if worst is None or result.heat_map is not None or worst.batch > _EVERY_BATCH_UP_TO:
        return result
    closer = ProbeSettings((worst.batch,), scene.settings.neighbours, poisonings=singles, rearrangements=())
    return replace(result, heat_map=probe(runner, spec.input, blob, closer).heat_map)


def _others(profile: Profile, tried: tuple[int, ...]) -> tuple[int, ...]:
    """The batches of the profile that no other scene has."""
    powers = [2**power for power in range(profile.maximum.bit_length() + 1)]
    around = {batch + step for batch in powers for step in (-1, 0, 1)} | {profile.maximum - 1}
    every = range(profile.minimum, profile.maximum + 1)
    return tuple(batch for batch in every if batch not in tried and (batch <= _EVERY_BATCH_UP_TO or batch in around))


def _half(size: int) -> list[Slots]:
    """One half, another one for the next size. The last slot, where remainders are computed, is always a victim."""
    return [every_other(size, size % 2)]


def _stretched(size: Size, spec: ModelSpec) -> Size:
    """The next multiples of what the model needs."""
    step = spec.input.multiple_of
    height, width = (-(-pixels // step) * step for pixels in size)
    return height, width


def _narrow(profile: Profile, spec: ModelSpec) -> Size | None:
    """The size of the profile with three quarters of its width; None for sizes too small to have any."""
    step = spec.input.multiple_of
    width = profile.width * 3 // 4 // step * step
    return (profile.height, width) if width else None
