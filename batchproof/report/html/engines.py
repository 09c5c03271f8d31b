"""What was built: for which target and batches, how large, in how many seconds, and where its description lies."""

from __future__ import annotations

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.profile_record import recorded_profiles
from batchproof.report.html.judged import summed_badge
from batchproof.report.html.markup import Markup, internal, table, unbroken
from batchproof.report.html.store_files import StoreFiles, size

_HEADS = ("engine", "target", "verdict", "profiles", "size", "built in", "what it is", "files")


def engines(manifest: Manifest, files: StoreFiles) -> Markup:
    """Tabulate the steps of the build stage, with those that could not run here; empty where nothing was to be built.

    What a container is given to build an engine itself, job and script, is listed with its files.
    """
    rows = [_row(record, files) for record in manifest.records if record.stage == "build"]
    return table(_HEADS, rows) if rows else Markup("")


def _row(record: Record, files: StoreFiles) -> tuple[str, ...]:
    built = "build_seconds" in record.notes
    return (
        internal(record.subject, "artifact", record.subject),
        record.check.removeprefix("build."),
        summed_badge(record.verdicts),
        _profiles(record),
        size(record.artifacts[0].bytes) if built and record.artifacts else "",
        unbroken(f"{record.notes['build_seconds']:.2f} s") if built else "",
        str(record.notes.get("detail", "")),
        files.kinds(record),
    )


def _profiles(record: Record) -> str:
    """Write the profiles as --profile takes them."""
    return " + ".join(profile.text for profile in recorded_profiles(record.settings))
