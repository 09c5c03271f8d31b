"""What was measured of the pipeline beside insightface's loop, as a JSON file of the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, with_config

from batchproof.artifacts import json_file
from batchproof.bench.clocks import Reading
from batchproof.bench.figures import WRITTEN, Positive

# The check of its steps, with which the names of their verdicts begin.
CHECK = "bench.pipeline"
FORMAT = 1
EVERYTHING = "all in one call"


@with_config(WRITTEN)
@dataclass(frozen=True)
class Cost:
    """Milliseconds: the shortest and the median time on the clock, and the least processor time of all threads."""

    best_ms: Positive
    median_ms: Positive
    processor_ms: float


@with_config(WRITTEN)
@dataclass(frozen=True)
class Compared:
    """One picture, or all of them in one call: faces and cost of insightface, of insightface not spinning, and of ours.

    `expected_faces` are insightface's. `cosine` is the smallest of our embeddings to theirs; None without faces, or
    when the faces are not as many.
    """

    name: str
    faces: int
    expected_faces: int
    cosine: float | None
    insightface: Cost
    not_spinning: Cost
    batchproof: Cost
    repetitions: int

    @property
    def ratio_of_best(self) -> float:
        """How many times as long as ours insightface takes, the shortest times of both."""
        return self.insightface.best_ms / self.batchproof.best_ms

    @property
    def ratio_of_medians(self) -> float:
        """The same of the medians."""
        return self.insightface.median_ms / self.batchproof.median_ms

    @property
    def ratio_not_spinning(self) -> float:
        """The shortest times, insightface's threads not spinning, as ours do not."""
        return self.not_spinning.best_ms / self.batchproof.best_ms


@with_config(WRITTEN)
@dataclass(frozen=True)
class StageTime:
    """One stage of our pipeline, and the shortest of its times in milliseconds."""

    name: str
    best_ms: Positive


@with_config(WRITTEN)
@dataclass(frozen=True)
class PipelineFile:
    """A detector and an embedder: every picture alone, then all of them in one call; `stages` are of `stages_of`.

    `threads` are those of every network of all contenders (None: ONNX Runtime's own choice), `height` and `width` the
    detector's input in pixels.
    """

    detector: str
    embedder: str
    height: int
    width: int
    threads: int | None
    compared: Annotated[tuple[Compared, ...], Field(min_length=1)]
    stages_of: str
    stages: tuple[StageTime, ...]
    readings: tuple[Reading, ...]
    format: int = FORMAT

    @property
    def everything(self) -> Compared:
        """All pictures in one call."""
        return self.compared[-1]


def read(path: Path) -> PipelineFile:
    """Read what bench wrote; raises `InputError` where there is no file, `StoreError` for anything else in it."""
    return json_file.read(path, PipelineFile, called="a pipeline", version=FORMAT, remedy="Run batchproof bench again")
