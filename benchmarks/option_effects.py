"""What an option of the builder changes in an engine, beside what two builds of the same differ in anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.engine_options import EngineOptions

# The first are what the others are compared with; the second must have no effect, the third must have one.
CHOICES = {
    "none": EngineOptions(),
    "none, built again": EngineOptions(),
    "TF32": EngineOptions(tf32=True),
    "optimisation level 0": EngineOptions(optimisation_level=0),
    "optimisation level 5": EngineOptions(optimisation_level=5),
    "distributive independence": EngineOptions(distributive_independence=True),
}
Array = NDArray[np.uint8]


@dataclass(frozen=True)
class Effect:
    """Engines of one choice of options: seconds of the shortest build, and their sizes in bytes.

    `differing` is the most bytes in which one differs from one without options, `always` how many bytes all of them
    agree on and none of those has. Only engines of one size are compared; None where there are none.
    """

    options: str
    seconds: float
    sizes: tuple[int, ...]
    differing: int | None
    always: int | None


def effects(engine: Path, build: Callable[[EngineOptions], EngineSummary], rounds: int = 5) -> Iterator[Effect]:
    """Build `rounds` times with each choice of options; `build` writes `engine`."""
    plain: list[bytes] = []
    for name, options in CHOICES.items():
        built = [(build(options).seconds, engine.read_bytes()) for _ in range(rounds)]
        contents = [content for _, content in built]
        plain = plain or contents
        sizes = tuple(sorted({len(content) for content in contents}))
        yield Effect(
            name, min(seconds for seconds, _ in built), sizes, differing(contents, plain), always(contents, plain)
        )


def differing(engines: Sequence[bytes], plain: Sequence[bytes]) -> int | None:
    """Return the most bytes in which one of `engines` differs from one of `plain`."""
    pairs = [(_array(one), _array(other)) for one in engines for other in plain if len(one) == len(other)]
    return max((int(np.count_nonzero(one != other)) for one, other in pairs), default=None)


def always(engines: Sequence[bytes], plain: Sequence[bytes]) -> int | None:
    """Return how many bytes all `engines` agree on and none of `plain` has: what is no accident of single builds."""
    alike = [_array(other) for other in plain if len(other) == len(engines[0])]
    if not alike or any(len(engine) != len(engines[0]) for engine in engines):
        return None
    common = np.ones(len(engines[0]), bool)
    for engine in engines[1:]:
        common &= _array(engine) == _array(engines[0])
    for other in alike:
        common &= other != _array(engines[0])
    return int(np.count_nonzero(common))


def _array(content: bytes) -> Array:
    return np.frombuffer(content, np.uint8)
