"""Every verdict with its figure, threshold, reason and witness: one fold for each artifact."""

from __future__ import annotations

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.judged import counts, verdict_table
from batchproof.report.html.markup import Markup, anchor, element, folded, joined
from batchproof.report.html.store_files import StoreFiles


def artifacts(manifest: Manifest, files: StoreFiles) -> Markup:
    """Fold the verdicts of each artifact away, models in the order of the pack; what has a failure is open."""
    subjects = dict.fromkeys(verdict.subject for verdict in manifest.verdicts)
    ordered = sorted(subjects, key=lambda subject: _place(manifest, subject))
    return joined(_artifact(manifest, files, subject) for subject in ordered)


def _artifact(manifest: Manifest, files: StoreFiles, subject: str) -> Markup:
    records = [record for record in manifest.records if record.subject == subject]
    verdicts = [verdict for verdict in manifest.verdicts if verdict.subject == subject]
    return folded(
        joined([element("b", subject), " ", counts(verdicts)]),
        element("p", *(files.links(record) for record in records)),
        verdict_table(verdicts),
        id=anchor("artifact", subject),
        **({"open": ""} if any(verdict.status.is_failure for verdict in verdicts) else {}),
    )


def _place(manifest: Manifest, subject: str) -> int:
    """Find the model that an artifact belongs to; what belongs to none comes last."""
    models = list(manifest.models)
    owners = (model for model in models if f"{subject}.".startswith(f"{model}."))
    owner = max(owners, key=len, default=None)
    return len(models) if owner is None else models.index(owner)
