"""What a user may choose for a benchmark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from batchproof.errors import InputError
from batchproof.profile import LARGEST_BATCH, Profile
from batchproof.profile_text import Size
from batchproof.zoo.spec import ModelSpec

_EXAMPLE = "Write batch sizes, for example 1,2,4,8,16,32"


@dataclass(frozen=True)
class BenchSettings:
    """The batches of the sweep, ascending; the most repetitions of one; threads of a run (None: ONNX Runtime's choice).

    `size` is height and width of detectors (None: what they were built for), `min_cosine` the smallest cosine of two
    embeddings that count as the same.
    """

    batches: tuple[int, ...]
    rounds: int
    threads: int | None
    size: Size | None
    min_cosine: float

    @property
    def detection_size(self) -> Size:
        """Height and width at which detectors of a free size run in the pipeline."""
        return self.size or (640, 640)

    @property
    def decisive(self) -> dict[str, object]:
        """What decides the outcome, as JSON-ready data."""
        return asdict(self)

    def check(self, specs: Iterable[ModelSpec]) -> None:
        """Raise `InputError` for a size that one of the models cannot take."""
        for spec in specs:
            Profile(1, 1, 1, *self.detection_size).input_shapes(spec)


def read_batch_list(text: str) -> tuple[int, ...]:
    """Read `1,2,4` as distinct batch sizes, ascending; raises `InputError` for anything else."""
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if re.fullmatch(r"[0-9]{1,9}", part, re.ASCII) is None or int(part) == 0:
            raise InputError(f"'{part}' in '{text}' is no batch size", remedy=_EXAMPLE)
        if int(part) > LARGEST_BATCH:
            raise InputError(f"batch {part} is more than {LARGEST_BATCH}", remedy=_EXAMPLE)
    return tuple(sorted({int(part) for part in parts}))
