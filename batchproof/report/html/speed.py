"""The section about speed: engines by batch, their place below the roof, and the pipeline beside insightface's loop."""

from __future__ import annotations

from collections.abc import Sequence

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import Manifest
from batchproof.bench.pipeline_file import PipelineFile
from batchproof.bench.sweep_file import SweepFile
from batchproof.report.html.markup import Markup, element, folded, joined, table
from batchproof.report.html.plot import key
from batchproof.report.html.roofline_plot import roof_key, roofline_plot
from batchproof.report.html.stage_bar import stage_bar
from batchproof.report.html.store_files import StoreFiles
from batchproof.report.html.throughput_plot import throughput_plot
from batchproof.report.speed import (
    Measured,
    Table,
    clock_table,
    engine_table,
    measured,
    name_of,
    on_threads,
    pipeline_table,
    work_table,
)

_ENGINES = (
    "Milliseconds a batch at the 50th, 95th and 99th percentile (of few runs, about the slowest one), and the least "
    "processor time of all threads; images a second at the median; gain over batch 1; the median without host "
    "transfer, which on the CPU means without "
    "allocating the outputs; the share of the roof that is reached without transfer. All engines of a model took turns."
)
_ROOF = (
    "The roof is what this machine reached in the same run: a large FP32 matrix product, and a copy. Work is counted "
    "in the graph: two operations for each multiply-accumulate, every tensor written and read once, nothing fused. A "
    "backend that fuses moves fewer bytes and stands further to the right than it is drawn; where the machine was busy "
    "while the roof was measured, an engine can stand above it."
)
_PIPELINE = (
    "Ratio: how many times as long as ours insightface takes. It comes with threads that spin while they have nothing "
    'to do, which costs most on a machine with other work; ours do not. "Not spinning" is insightface with that '
    "switched off."
)


def speed(manifest: Manifest, files: StoreFiles) -> Markup:
    """Show what a benchmark left; empty for a store without one.

    Raises `StoreError` when a file of it is not what a benchmark writes.
    """
    found = measured(manifest, files.root)
    if not found.sweeps and not found.pipelines:
        return Markup("")
    models = dict.fromkeys(sweep.model for sweep in found.sweeps)
    return joined(
        [
            element("p", _conditions(manifest, found), class_="about"),
            *(_model([sweep for sweep in found.sweeps if sweep.model == model]) for model in models),
            element("p", _ENGINES, class_="about") if found.sweeps else "",
            element("p", _ROOF, class_="about") if found.sweeps else "",
            *map(_pipeline, found.pipelines),
            element("p", _PIPELINE, class_="about") if found.pipelines else "",
            folded("Clocks and power", _figures(clock_table(found))),
        ]
    )


def _conditions(manifest: Manifest, found: Measured) -> str:
    records = [record for record in manifest.records if record.stage == layout.BENCHMARKS and record.finished]
    machines = dict.fromkeys(record.machine for record in records if record.machine)
    given = [*(sweep.threads for sweep in found.sweeps), *(pipeline.threads for pipeline in found.pipelines)]
    threads = dict.fromkeys(map(on_threads, given))
    finished = max((record.finished for record in records), default="nobody knows when")
    return f"Measured on {'; '.join(machines)}, {'; '.join(threads)}, until {finished}."


def _model(sweeps: Sequence[SweepFile]) -> Markup:
    first = sweeps[0]
    keys = [key(number, name_of(sweep, first.model)) for number, sweep in enumerate(sweeps)]
    keys += [roof_key(first.roof)] if first.roof else []
    return element(
        "article",
        element("h3", f"{first.model} at {first.height}x{first.width}"),
        element("div", throughput_plot(sweeps), roofline_plot(sweeps), class_="pair"),
        element("ul", *keys, class_="legend"),
        _figures(engine_table(sweeps, first.model)),
        folded(
            "Work of one image, and the roof at the best batch",
            _figures(work_table(sweeps, first.model)),
            _counted(first),
        ),
    )


def _counted(sweep: SweepFile) -> Markup:
    """Name what has no rule: it computes something all the same."""
    operators = ", ".join(f"{count} {name}" for name, count in sweep.work.not_counted.items())
    return element(
        "p", f"Operators that the count leaves out, of {sweep.subject}: {operators or 'none'}", class_="about"
    )


def _pipeline(found: PipelineFile) -> Markup:
    shown = pipeline_table(found)
    return element(
        "article",
        element("h3", shown.title),
        _figures(shown),
        element("h4", f"Where ours spends its time on {found.stages_of}"),
        stage_bar(found),
    )


def _figures(shown: Table) -> Markup:
    return table(shown.heads, shown.rows, class_="numbers")
