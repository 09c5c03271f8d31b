"""Where the pipeline spends its time on one frame, stage by stage."""

from __future__ import annotations

import time
from itertools import pairwise

from batchproof.pipeline import FacePipeline
from batchproof.pipeline.align import norm_crops
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import decode
from batchproof.pipeline.letterbox import letterbox
from batchproof.pipeline.picture import Pixels

STAGES = ("letterbox", "blob", "detect", "decode", "align", "embed")


def table(pipeline: FacePipeline, frame: Pixels, rounds: int) -> str:
    """Return the shortest of `rounds` times of every stage, as a table."""
    times = [_times(pipeline, frame) for _ in range(rounds)]
    best = [min(stage) for stage in zip(*times, strict=True)]
    head = "| | " + " | ".join(STAGES) + " |\n|---|" + "---:|" * len(STAGES)
    milliseconds = "| ms | " + " | ".join(f"{seconds * 1e3:.1f}" for seconds in best) + " |"
    shares = "| share | " + " | ".join(f"{seconds / sum(best):.0%}" for seconds in best) + " |"
    return f"{head}\n{milliseconds}\n{shares}"


def _times(pipeline: FacePipeline, frame: Pixels) -> list[float]:
    """Seconds of each stage; the same calls as `FacePipeline.run` makes for one frame."""
    detector, embedder = pipeline.detector, pipeline.embedder
    if embedder is None:
        raise ValueError("there is nothing to embed with")
    settings = detector.settings
    clock = [time.perf_counter()]
    boxed = letterbox(frame, settings.height, settings.width)
    clock.append(time.perf_counter())
    blob = to_blob([boxed.pixels], detector.spec.input)
    clock.append(time.perf_counter())
    outputs = detector.runner.infer(blob)
    clock.append(time.perf_counter())
    (faces,) = decode(outputs, detector.spec, settings, [boxed.scale])
    clock.append(time.perf_counter())
    crops = norm_crops([frame], [] if faces.keypoints is None else [faces.keypoints], embedder.crop_size)
    clock.append(time.perf_counter())
    embedder.embed(crops)
    clock.append(time.perf_counter())
    return [stop - start for start, stop in pairwise(clock)]
