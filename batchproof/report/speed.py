"""What a benchmark left in a store, as the tables that terminal, Markdown and HTML show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import Manifest, Record
from batchproof.bench import pipeline_file, sweep_file
from batchproof.bench.clocks import Reading
from batchproof.bench.figures import BatchFigures, RoofPoint
from batchproof.bench.pipeline_file import Compared, PipelineFile
from batchproof.bench.sweep_file import SweepFile
from batchproof.errors import first_few

_ENGINES = "Engines by batch: milliseconds, with host transfer but for the median without"


class Table(NamedTuple):
    """A table of text: its title, the heads of its columns, its rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Measured:
    """Everything that was measured and is still there, in the order of the manifest."""

    sweeps: tuple[SweepFile, ...]
    pipelines: tuple[PipelineFile, ...]


def measured(manifest: Manifest, root: Path) -> Measured:
    """Read the files of the benchmark's records; raises `StoreError` for one that is not what a benchmark writes."""
    records = [record for record in manifest.records if record.stage == layout.BENCHMARKS]
    return Measured(
        tuple(sweep_file.read(path) for path in _files(records, root, pipeline=False)),
        tuple(pipeline_file.read(path) for path in _files(records, root, pipeline=True)),
    )


def _files(records: Sequence[Record], root: Path, *, pipeline: bool) -> Iterator[Path]:
    chosen = (record for record in records if (record.check == pipeline_file.CHECK) == pipeline)
    paths = (root / made.path for record in chosen for made in record.artifacts)
    return (path for path in paths if path.is_file())


def tables(found: Measured) -> list[Table]:
    """Every table that has rows: engines by batch, work and roof, pipelines, their stages, and the clocks."""
    several = [
        engine_table(found.sweeps),
        work_table(found.sweeps),
        *map(pipeline_table, found.pipelines),
        *map(stage_table, found.pipelines),
        clock_table(found),
    ]
    return [table for table in several if table.rows]


def for_terminals(found: Measured) -> list[Table]:
    """What fits into 80 columns: a table for each engine and each pipeline; the reports have the rest."""
    engines = [engine_table([sweep]) for sweep in found.sweeps]
    narrow = [Table(f"{table.rows[0][0]}, ms", table.heads[1:], [row[1:] for row in table.rows]) for table in engines]
    return [*narrow, *map(_narrow_pipeline, found.pipelines)]


def _narrow_pipeline(found: PipelineFile) -> Table:
    """Leave away medians, what insightface takes without spinning, the ratio to which stays, and the repetitions."""
    kept = (0, 1, 2, 4, 5, 7)
    table = pipeline_table(found)
    rows = [[row[column] for column in kept] for row in table.rows]
    return Table(table.title, [table.heads[column].replace(" ", "\n") for column in kept], rows)


def engine_table(sweeps: Sequence[SweepFile], within: str = "") -> Table:
    """One row for each batch of each engine; times in milliseconds. `within` is a model that needs not be named."""
    heads = ("engine", "batch", "p50", "p95", "p99", "CPU", "images/s", "gain", "no transfer", "roof", "runs")
    rows = [_engine_row(name_of(sweep, within), figures) for sweep in sweeps for figures in sweep.batches]
    return Table(_ENGINES, heads, rows)


def name_of(sweep: SweepFile, within: str = "") -> str:
    """Name what was measured by its graph and its backend; within its model the precision is enough."""
    return f"{sweep.subject.removeprefix(f'{within}.')} on {sweep.backend}"


def _engine_row(name: str, figures: BatchFigures) -> tuple[str, ...]:
    sent = figures.with_transfer
    return (
        name,
        str(figures.batch),
        *(short(value) for value in (sent.p50_ms, sent.p95_ms, sent.p99_ms, sent.processor_ms)),
        short(figures.images_per_second),
        "" if figures.gain is None else f"{figures.gain:.2f}",
        short(figures.without_transfer.p50_ms),
        "" if figures.roof is None else f"{figures.roof.share:.0%}",
        str(sent.repetitions),
    )


def work_table(sweeps: Sequence[SweepFile], within: str = "") -> Table:
    """What one image is, and at the best batch what was reached of what the machine allows."""
    heads = ("engine", "image", "GMAC", "weights MB", "activations MB", "FLOP/byte", "GFLOP/s", "roof there", "limit")
    rows = [_work_row(name_of(sweep, within), sweep) for sweep in sweeps]
    return Table("Work of one image, and the roof at the best batch", heads, rows)


def _work_row(name: str, sweep: SweepFile) -> tuple[str, ...]:
    work, size = sweep.work, f"{sweep.height}x{sweep.width}"
    counts = (f"{work.macs / 1e9:.3g}", f"{work.weight_bytes / 1e6:.3g}", f"{work.activation_bytes / 1e6:.3g}")
    return (name, size, *counts, *_reached(sweep.best.roof))


def _reached(point: RoofPoint | None) -> tuple[str, ...]:
    if point is None:
        return ("", "", "", "")
    figures = (point.flop_per_byte, point.gflops, point.attainable_gflops)
    return (*map(short, figures), point.limited_by)


def pipeline_table(found: PipelineFile) -> Table:
    """One row for each picture, and one for all of them in one call; times in milliseconds, the shortest ones."""
    heads = (
        "picture", "faces", "ratio", "of medians", "without spinning", "insightface", "not spinning", "batchproof",
        "cosine", "runs",
    )  # fmt: skip
    size = f"{found.height}x{found.width}, {on_threads(found.threads)}"
    title = f"{found.detector} and {found.embedder} against insightface at {size}: shortest times in ms"
    return Table(title, heads, [_pipeline_row(one) for one in found.compared])


def _pipeline_row(one: Compared) -> tuple[str, ...]:
    return (
        one.name,
        str(one.faces),
        *(f"{ratio:.2f}" for ratio in (one.ratio_of_best, one.ratio_of_medians, one.ratio_not_spinning)),
        *(short(cost.best_ms) for cost in (one.insightface, one.not_spinning, one.batchproof)),
        "" if one.cosine is None else f"{one.cosine:.6f}",
        str(one.repetitions),
    )


def stage_table(found: PipelineFile) -> Table:
    """Where our pipeline spends its time on the picture with the most faces."""
    whole = sum(stage.best_ms for stage in found.stages)
    rows = [(stage.name, short(stage.best_ms), f"{stage.best_ms / whole:.0%}") for stage in found.stages]
    title = f"Where {found.detector} and {found.embedder} spend their time on {found.stages_of}"
    return Table(title, ("stage", "ms", "share"), rows)


def clock_table(found: Measured) -> Table:
    """Clocks and power before and after the measurements; what several have in common stands there once."""
    around: dict[tuple[str, str, str], list[str]] = {}
    for subject, one in _readings(found):
        around.setdefault((one.name, one.before, one.after), []).append(subject)
    rows = [(*reading, first_few(list(dict.fromkeys(subjects)))) for reading, subjects in around.items()]
    return Table("Clocks and power", ("quantity", "before", "after", "around"), rows)


def _readings(found: Measured) -> Iterator[tuple[str, Reading]]:
    yield from ((sweep.subject, reading) for sweep in found.sweeps for reading in sweep.readings)
    for pipeline in found.pipelines:
        yield from ((f"{pipeline.detector}+{pipeline.embedder}", reading) for reading in pipeline.readings)


def on_threads(threads: int | None) -> str:
    """Say how many threads a network had."""
    if threads is None:
        return "threads as ONNX Runtime chooses"
    return f"{threads} thread{'s' if threads > 1 else ''}"


def short(value: float) -> str:
    """Write three significant digits, and all of those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
