"""What the proof says of each graph before surgery and after, and what surgery did in between."""

from __future__ import annotations

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.report.html.judged import badge
from batchproof.report.html.markup import Markup, element, folded, joined
from batchproof.report.html.store_files import StoreFiles

_UNCHANGED = ": not changed because "


def defects(manifest: Manifest, files: StoreFiles) -> Markup:
    """Set both proofs of every graph side by side; precisions that come from the same original share one."""
    by_original: dict[tuple[str, str], list[Record]] = {}
    for record in manifest.records:
        if record.check == "proof" and "original" in record.notes:
            source = next(iter(record.parents), record.subject)
            by_original.setdefault((source, str(record.notes["original"])), []).append(record)
    return joined(_compared(manifest, files, *key, records) for key, records in by_original.items())


def _compared(manifest: Manifest, files: StoreFiles, source: str, before: str, records: list[Record]) -> Markup:
    status, _, reason = before.partition(": ")
    answer = element("span", status, class_=f"badge {status}")
    original = element("div", element("h4", "before"), answer, element("p", reason))
    repaired = element("div", element("h4", "after"), *_after(records, files))
    cards = element("div", original, repaired, class_="pair")
    graphs = {path for record in records for path in record.parents}
    surgery = (record for record in manifest.records if any(made.path in graphs for made in record.artifacts))
    return element("article", element("h3", files.link(source)), cards, *map(_changes, surgery))


def _after(records: list[Record], files: StoreFiles) -> list[Markup]:
    """Name each repaired graph with its answer, then each reason once."""
    answers = [
        element("p", badge(verdict.status), " ", *(files.link(graph) for graph in list(record.parents)[1:]))
        for record in records
        for verdict in record.verdicts
    ]
    reasons = dict.fromkeys(verdict.explained for record in records for verdict in record.verdicts)
    return answers + [element("p", reason) for reason in reasons]


def _changes(record: Record) -> Markup:
    """List what surgery changed in its own words, and behind that what it left alone."""
    reasons = [str(reason) for reason in record.notes.get("reasons", [])]
    if not reasons or record.stage != "surgery":
        return Markup("")
    changed = [reason for reason in reasons if _UNCHANGED not in reason]
    alone = [reason for reason in reasons if _UNCHANGED in reason]
    return folded(
        f"What surgery changed in {record.subject}: {len(changed)} of {len(reasons)} places it looked at",
        element("ul", *(element("li", reason) for reason in changed)),
        folded("What it left alone, and why", element("ul", *(element("li", reason) for reason in alone))),
    )
