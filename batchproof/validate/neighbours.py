"""The hostile neighbours that the contamination probe puts beside a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, count
from math import comb

import numpy as np
from numpy.typing import NDArray

from batchproof.runtime import Blob
from batchproof.zoo.spec import InputSpec

Slots = NDArray[np.intp]

SINGLES_UP_TO = 8
"""Batches up to this size are poisoned one slot at a time; larger ones many slots at once."""


@dataclass(frozen=True)
class Scene:
    """A batch of ordinary pictures before some of its slots are poisoned.

    `pool` is `[P, 3, H, W]`, `members[slot]` the index in the pool of the picture in that slot.
    """

    spec: InputSpec
    pool: Blob
    members: Slots
    random: np.random.Generator

    @property
    def batch(self) -> Blob:
        """The batch itself, `[N, 3, H, W]`."""
        return self.pictures(self.members)

    def pictures(self, members: Slots) -> Blob:
        """Return a copy of pictures of the pool."""
        return np.take(self.pool, members, axis=0)

    def poisoned(self, slots: Slots, neighbour: str) -> Blob:
        """Return the batch with the given neighbour in `slots` and everything else as it was."""
        batch = self.batch
        batch[slots] = NEIGHBOURS[neighbour](self, slots)
        return batch

    def level(self, pixel: float) -> np.float32:
        """Return the network's input for a pixel value of 0 to 255."""
        level: np.float32 = np.float32((pixel - self.spec.mean) / self.spec.std)
        return level


def _other(scene: Scene, slots: Slots) -> Blob:
    """The next pictures of the pool."""
    return scene.pictures((scene.members[slots] + 1) % len(scene.pool))


def _copy(scene: Scene, slots: Slots) -> Blob:
    """The picture of the first slot that stays as it was."""
    victims = np.setdiff1d(np.arange(len(scene.members)), slots)
    return scene.pictures(scene.members[victims[:1]])


def _noise(scene: Scene, slots: Slots) -> Blob:
    shape = (len(slots), *scene.pool.shape[1:])
    noise: Blob = scene.random.uniform(scene.level(0), scene.level(255), shape).astype(np.float32)
    return noise


def _huge(scene: Scene, slots: Slots) -> Blob:
    """Finite in float32, of both signs, and far beyond float16; the first convolution may overflow."""
    middle = (scene.level(0) + scene.level(255)) / 2
    huge: Blob = np.where(_noise(scene, slots) > middle, np.float32(1e30), np.float32(-1e30))
    return huge


def _infinite(scene: Scene, slots: Slots) -> Blob:
    """Infinities of both signs."""
    infinite: Blob = np.copysign(np.float32(np.inf), _huge(scene, slots))
    return infinite


NEIGHBOURS: dict[str, Callable[[Scene, Slots], Blob | np.float32]] = {
    "other picture": _other,
    "black": lambda scene, _: scene.level(0),
    "white": lambda scene, _: scene.level(255),
    "noise": _noise,
    "copy": _copy,
    "huge": _huge,
    "nan": lambda scene, _: np.float32(np.nan),
    "inf": _infinite,
}
"""What fills the poisoned slots, by the name that a witness uses."""


REARRANGEMENTS: dict[str, Callable[[Slots], Slots]] = {
    "rotated": lambda slots: np.roll(slots, -1),
    "reversed": lambda slots: slots[::-1],
    "same picture": np.zeros_like,
}
"""For each slot of a batch the slot that its picture comes from: the rows must follow."""


def poisonings(size: int) -> list[Slots]:
    """Return sets of slots to poison, so that every slot of a batch once sees every other slot poisoned.

    Up to `SINGLES_UP_TO` these are `singles`, and two halves of what has any; beyond they are `separating`.
    """
    if size > SINGLES_UP_TO:
        return separating(size)
    halves = [every_other(size, first) for first in (0, 1)] if size > 3 else []
    return singles(size) + halves


def singles(size: int) -> list[Slots]:
    """Each slot alone: whoever changes then was changed by that slot. A batch of one has no neighbours."""
    return [np.array([slot]) for slot in range(size)] if size > 1 else []


def every_other(size: int, first: int) -> Slots:
    """Every other slot of a batch, from `first` on."""
    return np.arange(first, size, 2)


def separating(size: int) -> list[Slots]:
    """Return the fewest sets such that for any two slots one set has the first without the second.

    Each slot gets another half of the sets, so that no slot's sets contain those of another (Sperner's theorem, 1928).
    Their number grows with the logarithm: 7 for a batch of 32.
    """
    sets = next(number for number in count(2) if comb(number, number // 2) >= size)
    halves = list(combinations(range(sets), sets // 2))[:size]
    return [np.array([slot for slot, half in enumerate(halves) if index in half]) for index in range(sets)]
