"""What the probe wrote of every output and slot: which slot changes which, and how far each output moved."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

from batchproof.artifacts.manifest import Record
from batchproof.report import heat_map_plot
from batchproof.report.html.markup import Markup, element, folded, joined, table
from batchproof.report.html.store_files import StoreFiles
from batchproof.validate.findings import Difference, ProbeResult, worst_mapped
from batchproof.validate.probe_file import ProbeFile, read

_SUFFIX = ".probe.json"


def slots(record: Record, files: StoreFiles) -> Markup:
    """Show the file of a probe's step; empty when the step wrote none or it is gone.

    Raises `StoreError` when the file is not what the probe writes.
    """
    paths = (made.path for made in record.artifacts if made.path.endswith(_SUFFIX))
    return joined(_shown(read(files.root / path)) for path in paths if files.has(path))


def _shown(probed: ProbeFile) -> Markup:
    worst = worst_mapped(probed.results)
    heat_map = folded("Which slot changes which", _picture(worst, probed.subject)) if worst else ""
    return joined([heat_map, folded("Output by output", _outputs(probed))])


def _picture(result: ProbeResult, subject: str) -> Markup:
    """Embed the heat map as a picture: its own style sheet is none of the page's, and what it says cannot act."""
    drawn = b64encode(heat_map_plot.render(result, subject).encode()).decode()
    source, alternative = f"data:image/svg+xml;base64,{drawn}", f"Heat map of {subject}"
    return element("div", element("img", src=source, alt=alternative, class_="heat-map"), class_="scroll")


def _outputs(probed: ProbeFile) -> Markup:
    """Tabulate the largest differences over all scenes, in each output's own units."""
    names = dict.fromkeys(name for result in probed.results for name in result.non_invariance.largest)
    rows = (
        (
            name,
            _largest(name, (result.contamination for result in probed.results)),
            _largest(name, (result.permutation for result in probed.results)),
            _largest(name, (result.non_invariance for result in probed.results)),
        )
        for name in names
    )
    return table(("output", "contamination", "permutation", "non-invariance"), rows)


def _largest(output: str, differences: Iterable[Difference]) -> str:
    return f"{max((max(found.largest.get(output, ()), default=0.0) for found in differences), default=0.0):.3g}"
