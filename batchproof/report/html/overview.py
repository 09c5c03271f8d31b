"""What everybody reads: the answer in one line, the matrix of artifacts and checks, and what does not hold."""

from __future__ import annotations

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.judged import badge, counts
from batchproof.report.html.markup import Markup, element, internal, joined, table
from batchproof.report.html.store_files import StoreFiles
from batchproof.report.summary import Cell, matrix, worth_reading
from batchproof.verdict import Verdict


def headline(manifest: Manifest) -> Markup:
    """Say what was judged, when, and whether anything failed."""
    failures = sum(verdict.status.is_failure for verdict in manifest.verdicts)
    answer = f"{failures} of {len(manifest.verdicts)} verdicts failed" if failures else "Nothing failed"
    finished = max((record.finished for record in manifest.records), default="")
    about = (f"Batchproof report, last step finished {finished}",) if finished else ("Batchproof report",)
    return element(
        "header",
        element("p", *about, class_="about"),
        element("h1", manifest.pack),
        element("p", element("strong", answer, class_="fail" if failures else "pass"), counts(manifest.verdicts)),
    )


def overview(manifest: Manifest, _: StoreFiles) -> Markup:
    """Show the matrix, then every kind of verdict that does not hold, gravest first."""
    heads, rows = matrix(manifest)
    shown = table(heads, ([_cell(cell) for cell in row] for row in rows), class_="matrix")
    partly = any(cell.text.endswith("*") for row in rows for cell in row)
    star = element("p", "* not everything in this cell was run, see below", class_="about") if partly else ""
    open_ones = [_open(verdict, count) for verdict, count in worth_reading(manifest)]
    return joined([shown, star, element("ul", *open_ones, class_="open") if open_ones else ""])


def _cell(cell: Cell) -> str:
    return cell.text if cell.status is None else badge(cell.status, cell.text)


def _open(verdict: Verdict, count: int) -> Markup:
    return element(
        "li",
        badge(verdict.status),
        element("p", internal(verdict.subject, "artifact", verdict.subject), f" {verdict.check} {verdict.measured}"),
        element("p", verdict.explained),
        element("p", f"and {count - 1} more like it", class_="about") if count > 1 else "",
    )
