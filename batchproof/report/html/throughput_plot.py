"""Throughput by batch: a line for each engine of a model, the batch on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence

from batchproof.bench.sweep_file import SweepFile
from batchproof.report.html.markup import Markup
from batchproof.report.html.plot import BOTTOM, LEFT, RIGHT, TOP, Axes, Scale, powers, round_up, series, svg
from batchproof.report.speed import name_of, short

_ROWS = 4


def throughput_plot(sweeps: Sequence[SweepFile]) -> Markup:
    """Draw the engines of one model in their order, images a second over the batch."""
    batches = {figures.batch for sweep in sweeps for figures in sweep.batches}
    step = round_up(max(sweep.best.images_per_second for sweep in sweeps) / _ROWS)
    columns = powers(2, min(batches), max(batches))
    axes = Axes(Scale(columns[0], columns[-1], LEFT, RIGHT, logarithmic=True), Scale(0, step * _ROWS, BOTTOM, TOP))
    return svg(
        f"Throughput of {sweeps[0].model} by batch",
        axes.drawn(columns, [step * row for row in range(_ROWS + 1)], "batch", "images/s"),
        *(_line(number, sweep, axes) for number, sweep in enumerate(sweeps)),
    )


def _line(number: int, sweep: SweepFile, axes: Axes) -> Markup:
    points = [axes.point(figures.batch, figures.images_per_second) for figures in sweep.batches]
    name = name_of(sweep)
    told = [f"{name}, batch {one.batch}: {short(one.images_per_second)} images/s" for one in sweep.batches]
    return series(number, points, told)
