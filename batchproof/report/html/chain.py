"""From frame to cosine against insightface: a row for each stage, and the first one that departs."""

from __future__ import annotations

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.report.html.gauge import gauge
from batchproof.report.html.judged import badge, limit, measured
from batchproof.report.html.markup import Markup, element, folded, internal, joined, table
from batchproof.report.html.store_files import StoreFiles
from batchproof.report.stage_rows import StageRow, answer, chain_records, stage_rows
from batchproof.verdict import Verdict

_ABOUT = (
    "Each stage is compared twice with what insightface's own functions gave: alone, on insightface's inputs, where "
    "only the stage itself can be at fault, and end to end, on what our stages before it gave. Noise is compared alone."
)
_LIMIT = ("limit", "of the limit")
_HEADS = ("stage", "alone", *_LIMIT, "on noise", "end to end", *_LIMIT)


def chain(manifest: Manifest, _: StoreFiles) -> Markup:
    """Say for each pair of models which stage is the first to depart; behind that every stage."""
    records = chain_records(manifest)
    if not records:
        return Markup("")
    return joined([element("p", _ABOUT, class_="about"), *map(_pair, records)])


def _pair(record: Record) -> Markup:
    summed, rows = answer(record), stage_rows(record)
    departing = any(verdict.status.is_failure for row in rows for verdict in row.verdicts)
    names = " and ".join(record.settings.get("pair", ()))
    return folded(
        joined([badge(summed.status), " ", element("b", record.subject), f" ({names}): {summed.reason}"]),
        table(_HEADS, map(_row, rows)),
        element("p", internal("every verdict", "artifact", record.subject)),
        **({"open": ""} if departing else {}),
    )


def _row(row: StageRow) -> tuple[str, ...]:
    noise = "" if row.on_noise is None else _figure(row.on_noise)
    return row.stage.replace("_", " "), *_against_limit(row.alone), noise, *_against_limit(row.end_to_end)


def _against_limit(verdict: Verdict | None) -> tuple[str, str, str]:
    return ("", "", "") if verdict is None else (_figure(verdict), limit(verdict), gauge(verdict))


def _figure(verdict: Verdict) -> Markup:
    """Write what was measured, in the colour of failure and with the place where it was seen if it fails."""
    if not verdict.status.is_failure:
        return measured(verdict)
    where = f" at {verdict.witness}" if verdict.witness else ""
    return element("span", measured(verdict), where, class_="fail")
