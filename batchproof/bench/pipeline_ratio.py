"""The batched pipeline against insightface's loop: same models, pictures and number of threads, taking turns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from batchproof.bench.clocks import readings, snapshot
from batchproof.bench.face_analysis import InsightfaceLoop
from batchproof.bench.pipeline_file import EVERYTHING, Compared, Cost, PipelineFile
from batchproof.bench.pipeline_stages import stage_times
from batchproof.bench.settings import BenchSettings
from batchproof.bench.turns import Repeatable, Samples, repetitions, take_turns
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.detect import Detector
from batchproof.pipeline.embed import Embedder
from batchproof.pipeline.face_pipeline import FacePipeline, Faces
from batchproof.pipeline.letterbox import fitted_size
from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.pictures import Picture
from batchproof.profile_text import Size
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.zoo.spec import ModelSpec

# Of all repetitions of one picture by all contenders; a crowd on two cores takes two seconds a round.
_BUDGET_SECONDS = 15.0
_MOST_ROUNDS = 10
# The threads of insightface's sessions spin on for a while.
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Contestant:
    """One model of the pair: its name, its original file, and the batch-safe graph of it in FP32."""

    name: str
    original: Path
    repaired: Path
    spec: ModelSpec


def measure(
    detector: Contestant, embedder: Contestant, pictures: Sequence[Picture], settings: BenchSettings
) -> PipelineFile:
    """Compare on each picture alone and on all of them in one call.

    Raises what `InsightfaceLoop` raises, `StepFailedError` for a graph that does not load or run, and `InputError` for
    a picture too thin for the detector.
    """
    size, threads, rounds = settings.detection_size, settings.threads, min(settings.rounds, _MOST_ROUNDS)
    cv2.setNumThreads(-1 if threads is None else threads)
    before = snapshot()
    spinning, calm = (
        InsightfaceLoop(detector.original, embedder.original, size, threads, spin=spin) for spin in (True, False)
    )
    for picture in pictures:  # insightface would end with an error of OpenCV's
        rows, columns = picture.pixels.shape[:2]
        fitted_size(rows, columns, *calm.size, picture.name)
    ours = _Pipeline.opened(detector, embedder, calm.size, threads)
    compared = tuple(_compared(spinning, calm, ours.whole, pictures, rounds))
    richest = max(range(len(pictures)), key=lambda index: compared[index].faces)
    return PipelineFile(
        detector=detector.name,
        embedder=embedder.name,
        height=calm.size[0],
        width=calm.size[1],
        threads=threads,
        compared=compared,
        stages_of=pictures[richest].name,
        stages=stage_times(ours.detector, ours.embedder, pictures[richest].pixels, rounds),
        readings=readings(before, snapshot()),
    )


@dataclass(frozen=True)
class _Pipeline:
    detector: Detector
    embedder: Embedder

    @classmethod
    def opened(cls, detector: Contestant, embedder: Contestant, size: Size, threads: int | None) -> _Pipeline:
        settings = DetectionSettings(height=size[0], width=size[1])
        return cls(
            Detector(OnnxRuntimeRunner(detector.repaired, threads=threads), detector.spec, settings),
            Embedder(OnnxRuntimeRunner(embedder.repaired, threads=threads), embedder.spec),
        )

    @property
    def whole(self) -> FacePipeline:
        return FacePipeline(self.detector, self.embedder)


def _compared(
    spinning: InsightfaceLoop, calm: InsightfaceLoop, ours: FacePipeline, pictures: Sequence[Picture], rounds: int
) -> Iterator[Compared]:
    everything = (EVERYTHING, [picture.pixels for picture in pictures])
    for name, frames in [*((picture.name, [picture.pixels]) for picture in pictures), everything]:
        works: dict[str, Repeatable] = {
            "insightface": partial(spinning.run, frames),
            "not spinning": partial(calm.run, frames),
            "batchproof": partial(ours.run, frames),
        }
        began = time.perf_counter()
        spinning.run(frames)
        expected, found = calm.run(frames), ours.run(frames)
        count = repetitions(time.perf_counter() - began, _BUDGET_SECONDS, rounds)
        samples = take_turns(works, dict.fromkeys(works, count), _PAUSE_SECONDS)
        yield Compared(
            name=name,
            faces=sum(map(len, found)),
            expected_faces=sum(map(len, expected)),
            cosine=smallest_cosine(found, expected),
            insightface=_cost(samples["insightface"]),
            not_spinning=_cost(samples["not spinning"]),
            batchproof=_cost(samples["batchproof"]),
            repetitions=count,
        )


def smallest_cosine(found: Sequence[Faces], expected: Sequence[Sequence[Any]]) -> float | None:
    """Return the smallest cosine of our embeddings to insightface's, in their order; None where there are none to pair.

    There are none without faces, and when a picture has another number of them.
    """
    if [len(faces) for faces in found] != [len(faces) for faces in expected] or not any(map(len, found)):
        return None
    theirs = np.array([face.normed_embedding for faces in expected for face in faces])
    ours = np.concatenate([faces.normed_embeddings for faces in found if faces.normed_embeddings is not None])
    return float((ours * theirs).sum(axis=1).min())


def _cost(samples: Samples) -> Cost:
    return Cost(min(samples.clock) * 1e3, median(samples.clock) * 1e3, min(samples.processor) * 1e3)
