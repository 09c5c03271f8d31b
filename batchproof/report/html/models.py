"""What the models are, and why we think so."""

from __future__ import annotations

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.markup import Markup, table
from batchproof.report.html.store_files import StoreFiles


def models(manifest: Manifest, _: StoreFiles) -> Markup:
    """Tabulate the models of the pack; empty where it has none."""
    rows = [
        (name, entry.spec.family, entry.spec.role, entry.source, entry.reason, entry.licence)
        for name, entry in manifest.models.items()
    ]
    return table(("model", "family", "role", "source", "why", "licence"), rows) if rows else Markup("")
