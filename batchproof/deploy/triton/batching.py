"""How large the batches of a network are, and how long requests wait for each other: measured, or from a profile."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.bench.figures import BatchFigures
from batchproof.bench.sweep_file import SweepFile
from batchproof.profile import Profile

# A batch that is within this of the highest throughput is as good as the best, and makes nobody wait for more.
NEARLY_BEST = 0.95
# Of what one image takes alone: more than this a request that stays alone does not wait.
WAITING_SHARE = 0.1
DEFAULT_DELAY_US = 1000
_STEP_US = 100


@dataclass(frozen=True)
class Batching:
    """What Triton and the pipeline are told of one network.

    `preferred` are its preferred batch sizes, ascending; none means that requests are not joined. `delay_us` is how
    long one waits for others, in microseconds. `request` is how many images the pipeline sends at once at most. The
    two origins say where these figures are from, `measured` whether a benchmark has given them.
    """

    preferred: tuple[int, ...]
    delay_us: int
    request: int
    origin: str
    delay_origin: str
    measured: bool = False


def from_profile(profile: Profile) -> Batching:
    """Take optimum and maximum of the profile, for a network that nobody has measured."""
    preferred = tuple(sorted({profile.optimum, profile.maximum} - {1}))
    origin = f"optimum and maximum of the profile {profile.text}; not measured, batchproof bench does"
    if not preferred:
        return Batching((), 0, 1, origin, "nothing to wait for: it takes one image at a time")
    return Batching(preferred, DEFAULT_DELAY_US, profile.optimum, origin, "a default, not measured")


def from_sweep(sweep: SweepFile, profile: Profile) -> Batching | None:
    """Choose by what was measured of the batches that the profile has; None when none of them was."""
    measured = [one for one in sweep.batches if profile.minimum <= one.batch <= profile.maximum]
    if not measured:
        return None
    best = max(measured, key=lambda one: one.images_per_second)
    enough = NEARLY_BEST * best.images_per_second
    chosen = next(one for one in measured if one.images_per_second >= enough)
    told = f"{_told(chosen)}, at best {_told(best)}, on {sweep.runner!r}"
    if chosen.batch == 1:
        alone = "batches do not pay"
        return Batching((), 0, 1, f"measured: {alone}: {told}", f"nothing to wait for: {alone}", measured=True)
    smallest = measured[0]
    one_ms = smallest.with_transfer.p50_ms / smallest.batch
    delay = max(_STEP_US, round(WAITING_SHARE * one_ms * 1e3 / _STEP_US) * _STEP_US)
    share = f"{WAITING_SHARE:.0%} of what one image takes, measured: {one_ms:.3g} ms in batches of {smallest.batch}"
    return Batching((chosen.batch,), delay, chosen.batch, f"measured: {told}", share, measured=True)


def _told(one: BatchFigures) -> str:
    return f"{one.images_per_second:.4g} images/s in batches of {one.batch}"
