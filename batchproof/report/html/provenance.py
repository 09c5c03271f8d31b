"""Where everything comes from: machines, tools, files from outside, and every artifact with hash and parents."""

from __future__ import annotations

from collections.abc import Iterable

from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.report.html.markup import Markup, element, folded, joined, table
from batchproof.report.html.store_files import StoreFiles


def provenance(manifest: Manifest, files: StoreFiles) -> Markup:
    """Show what the figures were measured on and with; empty for a store in which nothing was done."""
    if not manifest.records:
        return Markup("")
    machines = sorted({record.machine for record in manifest.records if record.machine})
    made = [(artifact, record) for record in manifest.records for artifact in record.artifacts]
    return joined(
        [
            element("p", "Measured on: ", "; ".join(machines) or "an unknown machine"),
            table(("tool", "versions"), _collected(record.tools for record in manifest.records)),
            folded("Files from outside the store", table(("file", "sha256"), _hashes(manifest.records))),
            folded(f"{len(made)} artifacts with their hashes and parents", _artifacts(made, files)),
        ]
    )


def _collected(pairs: Iterable[dict[str, str]]) -> list[tuple[str, str]]:
    """Name each tool once with all of its versions: more than one means that steps were made at different times."""
    found: dict[str, dict[str, None]] = {}
    for named in pairs:
        for name, value in named.items():
            found.setdefault(name, {})[value] = None
    return [(name, ", ".join(values)) for name, values in sorted(found.items())]


def _hashes(records: Iterable[Record]) -> list[tuple[str, str]]:
    named = sorted({source for record in records for source in record.sources.items()})
    return [(name, element("code", digest)) for name, digest in named]


def _artifacts(made: Iterable[tuple[Artifact, Record]], files: StoreFiles) -> Markup:
    heads = ("artifact", "sha256", "bytes", "from", "made")
    return table(heads, (_row(artifact, record, files) for artifact, record in made))


def _row(artifact: Artifact, record: Record, files: StoreFiles) -> tuple[str, ...]:
    tools = ", ".join(f"{name} {version}" for name, version in record.tools.items())
    return (
        files.link(artifact.path, artifact.path),
        element("code", artifact.sha256),
        f"{artifact.bytes:,}",
        ", ".join([*record.parents, *record.sources]),
        f"{record.finished} in {record.seconds:.2f} s on {record.machine} with {tools}",
    )
