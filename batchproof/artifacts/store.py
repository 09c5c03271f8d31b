"""The store of one pack: `<out>/<pack>/`, its manifest, its lock, and the rule when a step needs not run."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.hashing import content_sha256, key_of
from batchproof.artifacts.manifest import Artifact, Manifest, ModelEntry, Record
from batchproof.artifacts.step import Listener, Step, Workspace
from batchproof.artifacts.tools import versions
from batchproof.errors import BatchproofError, InputError, StepFailedError, StepNotRunError, StoreError, printable
from batchproof.verdict import Status, Verdict

MANIFEST = "manifest.json"
_WORK = ".work-"
# What a killed process may leave at the top of the store.
_LEFTOVERS = (f"{_WORK}*", ".manifest.*.json", ".report.*.md")


class Store:
    """Artifacts of one pack, opened by one process at a time."""

    def __init__(self, root: Path, manifest: Manifest, listener: Listener) -> None:
        self.root = root
        self.manifest = manifest
        self._listener = listener

    def path(self, relative: str) -> Path:
        """Locate an artifact."""
        return self.root / relative

    def run(self, step: Step) -> Record:
        """Bring one step up to date and return its record.

        Nothing is computed when a record with the same key exists and its files are untouched. Otherwise the action
        writes into a folder of its own; its files and its record enter the store together, or not at all.
        """
        obstacles = [obstacle for parent in step.parents if (obstacle := self._obstacle(parent))]
        if obstacles:
            return self._keep(_skipped(step, obstacles[0]))
        wanted = self._declare(step)
        old = self.manifest.record(step.check, step.subject)
        if old is not None and old.key == wanted.key and all(self._is_intact(artifact) for artifact in old.artifacts):
            self._listener.finished(old, unchanged=True)
            return old
        self._listener.started(step)
        return self._keep(self._compute(step, wanted))

    def retain(self, steps: Sequence[Step], stage: str) -> None:
        """Forget what the stage did for models that the pack has lost, with their files."""
        wanted = {(step.check, step.subject) for step in steps}
        kept = tuple(
            record
            for record in self.manifest.records
            if record.stage != stage or (record.check, record.subject) in wanted
        )
        if kept != self.manifest.records:
            self._save(replace(self.manifest, records=kept))
            self._forget_outdated()

    def describe(self, models: dict[str, ModelEntry]) -> None:
        """Note which models the pack has."""
        if models != self.manifest.models:
            self._save(replace(self.manifest, models=models))

    def _forget_outdated(self) -> None:
        """Drop what later stages made from parents that have changed or gone: no verdict outlives its artifact."""
        while outdated := [record for record in self.manifest.records if not self._has_its_parents(record)]:
            kept = tuple(record for record in self.manifest.records if record not in outdated)
            self._save(replace(self.manifest, records=kept))

    def _has_its_parents(self, record: Record) -> bool:
        artifacts = {path: self.manifest.artifact(path) for path in record.parents}
        return all(found and found.sha256 == record.parents[path] for path, found in artifacts.items())

    def _obstacle(self, parent: str) -> str | None:
        """Say why a parent cannot be built upon: it is not there, or a verdict on it failed."""
        record = self.manifest.producer(parent)
        if record is None:
            return f"needs {parent}, which an earlier stage did not produce"
        failed = next((verdict.check for verdict in record.verdicts if verdict.status.is_failure), None)
        return f"needs {parent}, which failed {failed}" if failed else None

    def _declare(self, step: Step) -> Record:
        """Everything that decides the step's outcome, and the key over it."""
        record = Record(
            stage=step.stage,
            check=step.check,
            subject=step.subject,
            key="",
            parents={parent: self._hash_of(parent) for parent in step.parents},
            sources={printable(source.name): content_sha256(source) for source in step.sources},
            settings=dict(step.settings),
            tools=versions(step.tools),
        )
        key = key_of({"record": asdict(record), "produces": step.produces})
        return replace(record, key=key, machine=_machine())

    def _hash_of(self, path: str) -> str:
        artifact = self.manifest.artifact(path)
        if artifact is None:
            raise StoreError(f"has no artifact '{path}'", where=self.root)
        return artifact.sha256

    def _is_intact(self, artifact: Artifact) -> bool:
        path = self.path(artifact.path)
        try:
            return path.is_file() and path.stat().st_size == artifact.bytes and content_sha256(path) == artifact.sha256
        except InputError:  # an ONNX file so damaged that its external data cannot be told
            return False

    def _compute(self, step: Step, declared: Record) -> Record:
        began = time.perf_counter()
        with self._workspace(step) as workspace:
            try:
                outcome = step.action(workspace)
            except StepNotRunError as error:
                return _ended(declared, Status.NOT_RUN, error)
            except StepFailedError as error:
                return _ended(declared, Status.FAIL, error)
            except OSError as error:
                raise _unwritable(self.root, error) from error
            artifacts = tuple(
                self._admit(path, name) for path, name in zip(workspace.outputs, step.produces, strict=True)
            )
        return replace(
            declared,
            artifacts=artifacts,
            verdicts=outcome.verdicts,
            notes=dict(outcome.notes),
            seconds=round(time.perf_counter() - began, 3),
            finished=_now(),
        )

    @contextmanager
    def _workspace(self, step: Step) -> Iterator[Workspace]:
        try:
            folder = Path(tempfile.mkdtemp(prefix=_WORK, dir=self.root))
        except OSError as error:
            raise _unwritable(self.root, error) from error
        try:
            outputs = tuple(folder / Path(name).name for name in step.produces)
            yield Workspace(tuple(self.path(parent) for parent in step.parents), step.sources, outputs)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _admit(self, written: Path, name: str) -> Artifact:
        """Move a finished file to its place. Until the manifest is saved it counts as damaged, which is safe."""
        artifact = Artifact(name, content_sha256(written), written.stat().st_size)
        target = self.path(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            written.replace(target)
        except OSError as error:
            raise _unwritable(target, error) from error
        return artifact

    def _keep(self, record: Record) -> Record:
        """Put a record into the manifest, unless it only says once more that its step cannot run here."""
        old = self.manifest.record(record.check, record.subject)
        still_impossible = record.not_run and old is not None and old.verdicts == record.verdicts
        if not still_impossible:
            self._save(self.manifest.with_record(record))
            self._forget_outdated()
        self._listener.finished(record, unchanged=still_impossible)
        return record

    def _save(self, manifest: Manifest) -> None:
        """Write the manifest first, then remove the files that it no longer names: never the other way round."""
        manifests.write(manifest, self.root / MANIFEST)
        old, self.manifest = self.manifest, manifest
        for artifact in (artifact for record in old.records for artifact in record.artifacts):
            if manifest.artifact(artifact.path) is None:
                self.path(artifact.path).unlink(missing_ok=True)


@contextmanager
def open_store(root: Path, pack: str, listener: Listener) -> Iterator[Store]:
    """Open, or create, the store of `pack` at `root` for this process alone.

    Waits while another process holds it. What a killed process left half-written is swept away.
    Raises `StoreError` when the folder cannot be written or holds something else.
    """
    lock = _lock(root, listener)
    try:
        manifest = _existing(root) or Manifest(pack)
        for leftover in (leftover for pattern in _LEFTOVERS for leftover in root.glob(pattern)):
            shutil.rmtree(leftover) if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()
        yield Store(root, replace(manifest, pack=pack), listener)
    finally:
        lock.release()


def _existing(root: Path) -> Manifest | None:
    """Read the manifest of a store; None for a folder that is empty but for what we leave there ourselves."""
    if (root / MANIFEST).exists():
        return manifests.read(root / MANIFEST)
    ours = {".lock", *(leftover.name for pattern in _LEFTOVERS for leftover in root.glob(pattern))}
    foreign = sorted(path.name for path in root.iterdir() if path.name not in ours)
    if foreign:
        remedy = "Choose another folder with --out, or another name with --pack"
        raise StoreError(f"holds '{foreign[0]}' but no manifest: not a store of ours", where=root, remedy=remedy)
    return None


def _lock(root: Path, listener: Listener) -> FileLock:
    lock = FileLock(root / ".lock")
    try:
        root.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            listener.waiting(root)
            lock.acquire()
    except OSError as error:
        raise _unwritable(root, error) from error
    return lock


def _skipped(step: Step, obstacle: str) -> Record:
    return _ended(Record(step.stage, step.check, step.subject, key=""), Status.NOT_RUN, StepNotRunError(obstacle))


def _ended(declared: Record, status: Status, error: BatchproofError) -> Record:
    """A record without artifacts and without a key: the step runs again next time."""
    step = Verdict(f"{declared.check}.completes", declared.subject, status, error.line())
    return replace(declared, key="", verdicts=(step,), finished=_now())


def _unwritable(where: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be written ({error.strerror or error})",
        where=where,
        remedy="Check permissions and free space, or choose another folder with --out",
    )


def _machine() -> str:
    """Describe what the seconds of a record were measured on."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
