"""Whether the verdicts of a store allow its models to be deployed."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.artifacts.manifest import Manifest
from batchproof.errors import StepFailedError
from batchproof.verdict import Status, Verdict, not_run
from batchproof.zoo.spec import Precision

# Without an answer to these nobody knows whether frames keep to themselves.
_REQUIRED = ("proof", "probe")


def require_unrefuted(manifest: Manifest, name: str, precision: Precision, target: str) -> None:
    """Raise `StepFailedError` for the first verdict that failed: on the original, or on its graph in this precision.

    Of verdicts on engines, those for other targets do not count.
    """
    for record in manifest.records:
        foreign = record.stage == "build" and not f"{record.check}.".startswith(f"build.{target}.")
        if record.subject not in (name, f"{name}.{precision}") or foreign:
            continue
        for verdict in record.verdicts:
            if verdict.status.is_failure:
                what = f"{verdict.subject} failed {verdict.check}: {verdict.explained}"
                raise StepFailedError(what, remedy="It is not deployed: mend the model, or leave it out")


def trusted(manifest: Manifest, subject: str) -> tuple[Verdict, ...]:
    """Say what proof and probe of a graph have found, or what of them is undecided."""
    return tuple(_trust(manifest, subject))


def _trust(manifest: Manifest, subject: str) -> Iterator[Verdict]:
    for check in _REQUIRED:
        name, record = f"deploy.{check}", manifest.record(check, subject)
        verdicts = record.verdicts if record else ()
        undecided = next((verdict for verdict in verdicts if not verdict), None)
        if undecided is not None:
            yield Verdict(name, subject, undecided.status, f"{subject}, {undecided.check}: {undecided.reason}")
        elif verdicts:
            status = Status.PROVEN if check == "proof" else Status.PASS
            yield Verdict(name, subject, status, f"{subject}: what the store says holds, verdicts: {len(verdicts)}")
        else:
            yield not_run(name, subject, f"{subject}: the store has no {check} of it; batchproof run makes it")
