"""The hostile neighbours that the contamination probe puts beside a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchproof.runtime import Blob
from batchproof.zoo.spec import InputSpec

Slots = NDArray[np.intp]

SINGLES_UP_TO = 8
"""Batches up to this size are poisoned one slot at a time; larger ones by halves."""


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


def poisonings(size: int) -> list[Slots]:
    """Return sets of slots to poison, so that every slot of a batch once sees every other slot poisoned.

    Up to `SINGLES_UP_TO`: each slot alone, and all but one. Beyond: for each binary digit of the slot number, those
    with a 1 and those with a 0: two slots always differ in a digit, so the number of sets grows with the logarithm.
    """
    slots = np.arange(size)
    if size <= SINGLES_UP_TO:
        masks = [slots == slot for slot in slots] + ([slots != slot for slot in slots] if size > 2 else [])
    else:
        digits = range((size - 1).bit_length())
        masks = [(slots >> digit & 1) == value for digit in digits for value in (0, 1)]
    return [np.flatnonzero(mask) for mask in masks if not mask.all()]
