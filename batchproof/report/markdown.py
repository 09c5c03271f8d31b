"""The Markdown report of a store: everything that the manifest knows, in the order of the work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.report import speed
from batchproof.report.plain_text import plain_text
from batchproof.report.stage_rows import answer, chain_records, stage_rows
from batchproof.report.summary import matrix, worth_reading


def render(manifest: Manifest, root: Path) -> str:
    """Render the report of the store at `root`; the same store gives the same text."""
    sections = (
        _summary(manifest),
        _models(manifest),
        _defects(manifest),
        _findings(manifest),
        _chains(manifest),
        _builds(manifest),
        _speed(manifest, root),
        _verdicts(manifest),
        _provenance(manifest),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _summary(manifest: Manifest) -> str:
    heads, rows = matrix(manifest)
    lines = [
        f"# Batchproof report: {_escape(manifest.pack)}",
        "",
        _table(heads, [[cell.text for cell in row] for row in rows]),
    ]
    for verdict, count in worth_reading(manifest):
        more = f" (and {count - 1} more like it)" if count > 1 else ""
        head = f"**{verdict.status.value}** `{verdict.subject}` {verdict.check} {verdict.measured}".rstrip()
        lines.append(f"\n{_escape(f'{head}: {verdict.explained}')}{more}")
    return "\n".join(lines)


def _models(manifest: Manifest) -> str:
    rows = [
        [name, entry.spec.family, entry.spec.role, entry.source, entry.reason, entry.licence]
        for name, entry in manifest.models.items()
    ]
    return "## Models\n\n" + _table(["model", "family", "role", "source", "why", "licence"], rows)


def _defects(manifest: Manifest) -> str:
    """What the proof says of each model before and after surgery."""
    rows = [
        [record.subject, str(record.notes["original"]), record.verdicts[0].status.value]
        for record in _of_stage(manifest, "validate")
        if record.check == "proof" and "original" in record.notes
    ]
    return "## The proof\n\n" + _table(["artifact", "the original", "repaired"], rows) if rows else ""


def _findings(manifest: Manifest) -> str:
    """What surgery changed, and what it left alone, in its own words."""
    parts = []
    for record in _of_stage(manifest, "surgery"):
        reasons = record.notes.get("reasons", [])
        if reasons:
            listed = "\n".join(f"- {_escape(str(reason))}" for reason in reasons)
            parts.append(f"<details><summary>{_escape(record.subject)}</summary>\n\n{listed}\n\n</details>")
    return "## What surgery did\n\n" + "\n\n".join(parts) if parts else ""


def _chains(manifest: Manifest) -> str:
    """Say which stage from frame to cosine is the first to depart from insightface, and how far all of them are."""
    parts = []
    for record in chain_records(manifest):
        rows = [
            [row.stage, *(verdict.measured if verdict is not None else "" for verdict in (row.alone, row.end_to_end))]
            for row in stage_rows(record)
        ]
        table = _table(["stage", "alone", "end to end"], rows)
        parts.append(f"**{_escape(record.subject)}** {_escape(answer(record).reason)}\n\n{table}")
    about = "Alone: on the inputs that insightface's own stage was given."
    return "## From frame to cosine, stage by stage\n\n" + "\n\n".join([about, *parts]) if parts else ""


def _builds(manifest: Manifest) -> str:
    rows = [
        [
            f"{record.subject} {record.check}",
            f"{record.notes['build_seconds']:.2f}",
            f"{artifact.bytes / 1e6:.2f}",
            str(record.notes.get("detail", "")),
        ]
        for record in _of_stage(manifest, "build")
        for artifact in record.artifacts[:1]
        if "build_seconds" in record.notes
    ]
    return "## Builds\n\n" + _table(["engine", "build s", "MB", "detail"], rows) if rows else ""


def _speed(manifest: Manifest, root: Path) -> str:
    parts = [
        f"{_escape(title)}\n\n{_table(heads, rows)}"
        for title, heads, rows in speed.tables(speed.measured(manifest, root))
    ]
    return "\n\n".join(["## Speed", *parts]) if parts else ""


def _verdicts(manifest: Manifest) -> str:
    rows = [
        [verdict.subject, verdict.check, verdict.status.value, verdict.measured, verdict.explained]
        for verdict in manifest.verdicts
    ]
    return "## Verdicts\n\n" + _table(["artifact", "check", "verdict", "measured", "reason"], rows)


def _provenance(manifest: Manifest) -> str:
    rows = [
        [
            artifact.path,
            f"`{artifact.sha256[:16]}`",
            str(artifact.bytes),
            ", ".join([*record.parents, *record.sources]),
            _versions(record),
        ]
        for record in manifest.records
        for artifact in record.artifacts
    ]
    machines = sorted({record.machine for record in manifest.records if record.machine})
    measured = f"Measured on: {_escape('; '.join(machines))}."
    table = _table(["artifact", "sha256", "bytes", "from", "tools"], rows)
    return f"## Provenance\n\n{measured}\n\n{table}"


def _of_stage(manifest: Manifest, stage: str) -> list[Record]:
    return [record for record in manifest.records if record.stage == stage]


def _versions(record: Record) -> str:
    return ", ".join(f"{name} {version}" for name, version in record.tools.items())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_escape(cell) for cell in line) + " |" for line in lines)


def _escape(text: str) -> str:
    """Keep names of files and tensors from beginning a cell, a line, an element, a link or a picture."""
    return plain_text(text).replace("|", "\\|").replace("<", "&lt;").replace("](", "]\\(")
