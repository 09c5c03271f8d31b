"""Which slot of a batch changes which other one: measured by poisoning one slot at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ConfigDict, with_config

# Infinity is a result here, and JSON has no number for it.
WRITTEN = ConfigDict(extra="forbid", ser_json_inf_nan="strings")


@with_config(WRITTEN)
@dataclass(frozen=True)
class HeatMap:
    """`changes[victim][poisoned]`: the largest change of any output's row `victim` while slot `poisoned` was poisoned.

    The largest over all `neighbours` that stood there; infinite when a row became NaN or infinite. No slot is its own
    victim: the diagonal is 0. Raises `ValueError` when `changes` is not square.
    """

    neighbours: tuple[str, ...]
    changes: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != self.batch for row in self.changes):
            raise ValueError(f"{self.batch} victims need {self.batch} poisoned slots each")

    @property
    def batch(self) -> int:
        """How many slots there are."""
        return len(self.changes)

    @property
    def worst(self) -> float:
        """The largest change; 0 when nobody changed."""
        return max((change for row in self.changes for change in row), default=0.0)

    @property
    def changed(self) -> int:
        """How many pairs of victim and poisoned slot there are in which the victim changed."""
        return sum(change > 0 for row in self.changes for change in row)


def worst_of(maps: Iterable[HeatMap]) -> HeatMap | None:
    """Return the map with the largest change; the largest batch among equals, and the first among those."""
    return max(maps, key=lambda found: (found.worst, found.batch), default=None)
