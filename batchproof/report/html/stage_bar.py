"""Where a pipeline spends its time, as one stacked bar."""

from __future__ import annotations

from itertools import accumulate

from batchproof.bench.pipeline_file import PipelineFile
from batchproof.report.html.markup import Markup, element, joined
from batchproof.report.html.plot import WIDTH, colour, key, svg
from batchproof.report.speed import short

_HEIGHT = 26


def stage_bar(found: PipelineFile) -> Markup:
    """Draw the stages of the pipeline in their order, as wide as the time that they take, with a legend."""
    whole = sum(stage.best_ms for stage in found.stages)
    starts = accumulate((stage.best_ms for stage in found.stages), initial=0.0)
    texts = [f"{stage.name} {short(stage.best_ms)} ms, {stage.best_ms / whole:.0%}" for stage in found.stages]
    parts = [
        element(
            "rect",
            element("title", text),
            class_=f"part {colour(number)}",
            x=f"{start / whole * WIDTH:.2f}",
            width=f"{stage.best_ms / whole * WIDTH:.2f}",
            height=f"{_HEIGHT}",
        )
        for number, (start, stage, text) in enumerate(zip(starts, found.stages, texts, strict=False))
    ]
    legend = element("ul", *(key(number, text) for number, text in enumerate(texts)), class_="legend")
    return joined([svg("; ".join(texts), *parts, height=_HEIGHT), legend])
