"""Where the pipeline spends its time on one frame, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

from batchproof.bench.pipeline_file import StageTime
from batchproof.pipeline.align import norm_crops
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import decode
from batchproof.pipeline.detect import Detector
from batchproof.pipeline.embed import Embedder
from batchproof.pipeline.letterbox import letterbox
from batchproof.pipeline.picture import Pixels

STAGES = ("letterbox", "blob", "detect", "decode", "align", "embed")


def stage_times(detector: Detector, embedder: Embedder, frame: Pixels, rounds: int) -> tuple[StageTime, ...]:
    """Return the shortest of `rounds` times of every stage."""
    times = [_seconds(detector, embedder, frame) for _ in range(rounds)]
    return tuple(
        StageTime(name, min(stage) * 1e3) for name, stage in zip(STAGES, zip(*times, strict=True), strict=True)
    )


def _seconds(detector: Detector, embedder: Embedder, frame: Pixels) -> list[float]:
    return [stop - start for start, stop in pairwise(_moments(detector, embedder, frame))]


def _moments(detector: Detector, embedder: Embedder, frame: Pixels) -> Iterator[float]:
    """Look at the clock around the calls that `FacePipeline.run` makes for one frame."""
    settings = detector.settings
    yield time.perf_counter()
    boxed = letterbox(frame, settings.height, settings.width)
    yield time.perf_counter()
    blob = to_blob([boxed.pixels], detector.spec.input)
    yield time.perf_counter()
    outputs = detector.runner.infer(blob)
    yield time.perf_counter()
    (faces,) = decode(outputs, detector.spec, settings, [boxed.scale])
    yield time.perf_counter()
    crops = norm_crops([frame], [] if faces.keypoints is None else [faces.keypoints], embedder.crop_size)
    yield time.perf_counter()
    embedder.embed(crops)
    yield time.perf_counter()
