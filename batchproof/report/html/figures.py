"""The sections of figures: isolation of the rows, parity with the original, and the price of FP16."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.report.html.gauge import LEGEND, gauge, used
from batchproof.report.html.judged import badge, limit, measured, summed_badge
from batchproof.report.html.markup import Markup, element, folded, internal, joined, table
from batchproof.report.html.slots import slots
from batchproof.report.html.store_files import StoreFiles
from batchproof.report.stage_rows import is_of_chain
from batchproof.verdict import Status, Verdict


def isolation(manifest: Manifest, files: StoreFiles) -> Markup:
    """Show the worst of every quantity that the probe measured on an artifact; behind it every scene, output and slot.

    Contamination is what neighbours' content changes; non-invariance what the size of the batch changes.
    """
    records = [record for record in manifest.records if record.check == "probe" and record.verdicts]
    return _with_legend(_probed(record, files) for record in records)


def parity(manifest: Manifest, _: StoreFiles) -> Markup:
    """Show how far every artifact is from insightface, which saw the pictures one at a time; not stage by stage."""
    subjects = _by_subject(manifest, lambda verdict: verdict.check.startswith("parity") and not is_of_chain(verdict))
    return _with_legend(_figures(subject, verdicts, "parity.") for subject, verdicts in subjects.items())


def half_precision(manifest: Manifest, _: StoreFiles) -> Markup:
    """Show what became of the weights and of the faces in FP16, every tensor rounded."""
    names = {f"{model}.fp16" for model in manifest.models}
    subjects = _by_subject(manifest, lambda verdict: verdict.subject in names and _is_measured_surgery(verdict))
    return _with_legend(_figures(subject, verdicts, "surgery.") for subject, verdicts in subjects.items())


def _by_subject(manifest: Manifest, wanted: Callable[[Verdict], bool]) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in filter(wanted, manifest.verdicts):
        found.setdefault(verdict.subject, []).append(verdict)
    return found


def _with_legend(cards: Iterable[Markup]) -> Markup:
    shown = list(cards)
    legend = element("p", LEGEND, class_="about")
    return joined([legend, element("div", *shown, class_="cards")]) if shown else Markup("")


def _figures(subject: str, verdicts: list[Verdict], prefix: str) -> Markup:
    return _card(subject, verdicts, _figure_table(verdicts, prefix))


def _probed(record: Record, files: StoreFiles) -> Markup:
    kinds: dict[str, list[Verdict]] = {}
    for verdict in record.verdicts:
        kinds.setdefault(".".join(verdict.check.split(".")[:2]), []).append(verdict)
    worst = _figure_table((replace(max(found, key=_gravity), check=kind) for kind, found in kinds.items()), "probe.")
    every = folded(f"All {len(record.verdicts)} verdicts of the probe", _figure_table(record.verdicts, "probe."))
    return _card(record.subject, record.verdicts, worst, slots(record, files), every)


def _card(subject: str, verdicts: Sequence[Verdict], *content: Markup) -> Markup:
    title = element("h3", internal(subject, "artifact", subject), " ", summed_badge(verdicts))
    return element("article", title, *content)


def _figure_table(verdicts: Iterable[Verdict], prefix: str) -> Markup:
    heads = ("quantity", "measured", "limit", "of the limit", "worst at")
    return table(heads, (_row(verdict, prefix) for verdict in verdicts), class_="figures")


def _row(verdict: Verdict, prefix: str) -> tuple[str, ...]:
    """Say where the worst was seen; what was not measured says why."""
    quantity = verdict.check.removeprefix(prefix).replace("_", " ").replace(".", ", ")
    where = verdict.witness or ("" if verdict else verdict.reason)
    return quantity, measured(verdict) or badge(verdict.status), limit(verdict), gauge(verdict), where


def _gravity(verdict: Verdict) -> tuple[bool, bool, float]:
    """Failures above what was not decided, that above success; among equals what uses most of its limit."""
    undecided = verdict.status in (Status.UNKNOWN, Status.NOT_RUN)
    return verdict.status.is_failure, undecided, used(verdict) or 0.0


def _is_measured_surgery(verdict: Verdict) -> bool:
    return verdict.check.startswith("surgery.") and verdict.threshold is not None
