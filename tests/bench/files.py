"""Files of a benchmark with numbers that can be checked by eye."""

from __future__ import annotations

from dataclasses import replace

from batchproof.bench.clocks import Reading
from batchproof.bench.figures import BatchFigures, Latency, LeftOut
from batchproof.bench.pipeline_file import EVERYTHING, Compared, Cost, PipelineFile, StageTime
from batchproof.bench.roofline import Roof, below
from batchproof.bench.sweep_file import SweepFile
from batchproof.bench.work import Work

ROOF = Roof(100.0, 10.0)
WORK = Work(macs=500_000_000, weight_bytes=2_000_000, activation_bytes=50_000_000, not_counted={"Relu": 7})
READINGS = (Reading("CPU clock (MHz)", "2000 to 2500", "1900 to 2400"), Reading("GPU", "not readable", "not readable"))


def latency(p50: float) -> Latency:
    return Latency(p50, p50 * 1.5, p50 * 2, p50 * 0.9, 20)


def figures(batch: int, p50: float, gain: float | None) -> BatchFigures:
    """With transfer `p50` milliseconds, without four fifths of them."""
    resident = p50 * 0.8
    point = below(ROOF, WORK, batch, resident / 1e3)
    return BatchFigures(batch, latency(p50), latency(resident), batch / p50 * 1e3, gain, point)


SWEEP = SweepFile(
    model="det",
    subject="det.fp16",
    backend="ort",
    runner="onnxruntime cpu, optimised",
    on_cpu=True,
    height=640,
    width=480,
    threads=2,
    batches=(figures(1, 20.0, 1.0), figures(4, 50.0, 1.6), figures(8, 160.0, 1.0)),
    left_out=(LeftOut(64, "it was built for 1,16,32@640x640"),),
    work=WORK,
    roof=ROOF,
    readings=READINGS,
)
ON_GPU = replace(
    SWEEP,
    backend="ort-cuda",
    on_cpu=False,
    roof=None,
    batches=tuple(replace(one, roof=None) for one in SWEEP.batches),
    left_out=(),
)


def compared(name: str, faces: int, cosine: float | None) -> Compared:
    """insightface takes twice as long as ours, its medians four times, and without spinning half as long again."""
    return Compared(name, faces, faces, cosine, Cost(60, 160, 90), Cost(45, 60, 44), Cost(30, 40, 29), 10)


PIPELINE = PipelineFile(
    detector="det",
    embedder="emb",
    height=640,
    width=640,
    threads=None,
    compared=(compared("a.jpg", 2, 0.9999995), compared("b.jpg", 0, None), compared(EVERYTHING, 2, 0.999999)),
    stages_of="a.jpg",
    stages=tuple(StageTime(name, ms) for name, ms in (("letterbox", 1.0), ("detect", 6.0), ("embed", 3.0))),
    readings=READINGS,
)
