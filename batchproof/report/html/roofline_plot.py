"""The roofline of a machine, with the batches of a model's engines below it; both axes logarithmic."""

from __future__ import annotations

from collections.abc import Sequence

from batchproof.bench.figures import RoofPoint
from batchproof.bench.roofline import Roof
from batchproof.bench.sweep_file import SweepFile
from batchproof.report.html.markup import Markup, element
from batchproof.report.html.plot import BOTTOM, LEFT, RIGHT, TOP, Axes, Scale, powers, series, svg
from batchproof.report.speed import name_of, short


def roofline_plot(sweeps: Sequence[SweepFile]) -> Markup:
    """Draw the engines of one model, numbered as they are given; nothing where no roof was measured of any."""
    points = {number: _points(sweep) for number, sweep in enumerate(sweeps)}
    roof = next((sweep.roof for sweep in sweeps if sweep.roof is not None), None)
    every = [point for found in points.values() for _, point in found]
    if roof is None or not every:
        return Markup("")
    axes = _axes(roof, every)
    return svg(
        f"Roofline of {sweeps[0].model}: the ridge is at {roof.ridge:.3g} FLOP/byte",
        axes.drawn(
            powers(4, axes.across.low, axes.across.high), powers(10, axes.up.low, axes.up.high), "FLOP/byte", "GFLOP/s"
        ),
        _drawn(roof, axes),
        *(_line(number, sweeps[number], found, axes) for number, found in points.items() if found),
    )


def _points(sweep: SweepFile) -> list[tuple[int, RoofPoint]]:
    return [(figures.batch, figures.roof) for figures in sweep.batches if figures.roof is not None]


def _axes(roof: Roof, points: Sequence[RoofPoint]) -> Axes:
    intensities = [*(point.flop_per_byte for point in points), roof.ridge]
    reached = [*(point.gflops for point in points), roof.gflops]
    across, up = powers(4, min(intensities) / 2, max(intensities) * 2), powers(10, min(reached) / 2, max(reached) * 1.2)
    return Axes(
        Scale(across[0], across[-1], LEFT, RIGHT, logarithmic=True),
        Scale(up[0], up[-1], BOTTOM, TOP, logarithmic=True),
    )


def roof_key(roof: Roof) -> Markup:
    """Explain the black line in a legend."""
    box = element(
        "svg", element("path", class_="roof", d="M0 6H12"), class_="key", viewBox="0 0 12 12", aria_hidden="true"
    )
    figures = f"{short(roof.gflops)} GFLOP/s, {short(roof.gigabytes_per_second)} GB/s"
    return element("li", box, f"the roof, {figures}, ridge at {roof.ridge:.3g} FLOP/byte")


def _drawn(roof: Roof, axes: Axes) -> Markup:
    """Draw the slope where memory limits, as far as it is in the plot, and the flat top where arithmetic does."""
    left = max(axes.across.low, axes.up.low / roof.gigabytes_per_second)
    corners = [(left, roof.attainable(left)), (roof.ridge, roof.gflops), (axes.across.high, roof.gflops)]
    path = "M" + "L".join("{:.1f} {:.1f}".format(*axes.point(x, y)) for x, y in corners)
    return element("path", class_="roof", d=path)


def _line(number: int, sweep: SweepFile, found: Sequence[tuple[int, RoofPoint]], axes: Axes) -> Markup:
    points = [axes.point(point.flop_per_byte, point.gflops) for _, point in found]
    name = name_of(sweep)
    told = [
        f"{name}, batch {batch}: {point.share:.0%} of the roof, {point.limited_by} limits" for batch, point in found
    ]
    return series(number, points, told)
