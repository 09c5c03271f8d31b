"""The store of one pack: `<out>/<pack>/`, its manifest, its lock, and the rule when a step needs not run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, RLock

from filelock import FileLock, Timeout

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.manifest import Artifact, Manifest, ModelEntry, Record
from batchproof.artifacts.records import declared, ended, in_order, skipped, succeeded
from batchproof.artifacts.step import Listener, Step, Workspace
from batchproof.artifacts.workspaces import leftovers, sweep, unwritable, workspace
from batchproof.errors import InputError, StepFailedError, StepNotRunError, StoreError
from batchproof.verdict import Status

MANIFEST = "manifest.json"


class Store:
    """Artifacts of one pack, opened by one process at a time, whose threads may run steps at the same time."""

    def __init__(self, root: Path, manifest: Manifest, listener: Listener) -> None:
        self.root = root
        self.manifest = manifest
        self._listener = listener
        self._one_at_a_time = RLock()
        self._stopping = Event()

    def path(self, relative: str) -> Path:
        """Locate an artifact."""
        return self.root / relative

    def run_all(self, steps: Sequence[Step], jobs: int = 1) -> None:
        """Bring steps up to date, `jobs` at a time; with more than one, no step may need what another one produces.

        Their records stand in the order of `steps`, whichever finishes first. A step that fails is recorded, and the
        others go on. Anything else that is raised, Ctrl-C among it, cancels the steps that have not begun, waits for
        those that have, and is raised again; what they finish is kept, what they fail at is not held against them.
        """
        try:
            if jobs == 1:
                for step in steps:
                    self.run(step)
            else:
                self._run_in_threads(steps, jobs)
        finally:
            self._stopping.clear()
            self._sort(steps)

    def run(self, step: Step) -> Record:
        """Bring one step up to date and return its record.

        Nothing is computed when a record with the same key exists and its files are untouched. Otherwise the action
        writes into a folder of its own; its files and its record enter the store together, or not at all.
        """
        record = self._bring_up_to_date(step)
        return record if record.key else self._keep(record)

    def retain(self, steps: Sequence[Step], stage: str) -> None:
        """Forget what the stage did for models that the pack has lost, with their files.

        What it did by checks that are not planned this time stays: engines for a target that is not asked for now.
        """
        wanted, planned = {(step.check, step.subject) for step in steps}, {step.check for step in steps}
        kept = tuple(
            record
            for record in self.manifest.records
            if record.stage != stage or record.check not in planned or (record.check, record.subject) in wanted
        )
        if kept != self.manifest.records:
            self._save(replace(self.manifest, records=kept))
            self._forget_outdated()

    def describe(self, models: dict[str, ModelEntry]) -> None:
        """Note which models the pack has."""
        if models != self.manifest.models:
            self._save(replace(self.manifest, models=models))

    def _run_in_threads(self, steps: Sequence[Step], jobs: int) -> None:
        """Run steps in threads, but keep failures here: a Ctrl-C that made them fail arrives here before they do."""
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for future in as_completed([pool.submit(self._unless_stopping, step) for step in steps]):
                    record = future.result()
                    if record is not None and not record.key:
                        self._keep(record)
            except BaseException:
                self._stopping.set()
                raise

    def _unless_stopping(self, step: Step) -> Record | None:
        if self._stopping.is_set():
            return None
        try:
            return self._bring_up_to_date(step)
        except BaseException:
            self._stopping.set()
            raise

    def _bring_up_to_date(self, step: Step) -> Record:
        """Do what `run` says, but do not keep a record without a key: the step could not be done."""
        obstacles = [obstacle for parent in step.parents if (obstacle := self._obstacle(parent))]
        if obstacles:
            return skipped(step, obstacles[0])
        wanted = declared(step, {parent: self._hash_of(parent) for parent in step.parents})
        old = self.manifest.record(step.check, step.subject)
        if old is not None and old.key == wanted.key and all(self._is_intact(artifact) for artifact in old.artifacts):
            with self._one_at_a_time:
                self._listener.finished(old, unchanged=True)
            return old
        with self._one_at_a_time:
            self._listener.started(step)
        with workspace(self.root, step) as files:
            record = self._compute(step, wanted, files)
            return self._admit(record, files) if record.key else record

    def _sort(self, steps: Sequence[Step]) -> None:
        records = in_order(self.manifest.records, tuple(steps))
        if records != self.manifest.records:
            self._save(replace(self.manifest, records=records))

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

    def _compute(self, step: Step, wanted: Record, files: Workspace) -> Record:
        began = time.perf_counter()
        try:
            outcome = step.action(files)
            artifacts = tuple(
                Artifact(name, content_sha256(path), path.stat().st_size)
                for name, path in zip(step.produces, files.outputs, strict=True)
            )
        except StepNotRunError as error:
            return ended(wanted, Status.NOT_RUN, error)
        except StepFailedError as error:
            return ended(wanted, Status.FAIL, error)
        except OSError as error:
            raise unwritable(self.root, error) from error
        return succeeded(wanted, outcome, artifacts, time.perf_counter() - began)

    def _admit(self, record: Record, files: Workspace) -> Record:
        """Move finished files to their places. Until the manifest is saved they count as damaged, which is safe."""
        with self._one_at_a_time:
            if not (self.root / MANIFEST).exists():  # files without one would be taken for somebody else's
                self._save(self.manifest)
            for artifact, written in zip(record.artifacts, files.outputs, strict=True):
                target = self.path(artifact.path)
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    written.replace(target)
                except OSError as error:
                    raise unwritable(target, error) from error
            return self._keep(record)

    def _keep(self, record: Record) -> Record:
        """Put a record into the manifest, unless it only says once more that its step cannot run here."""
        with self._one_at_a_time:
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
        sweep(root, manifest)
        yield Store(root, replace(manifest, pack=pack), listener)
    finally:
        lock.release()


def _existing(root: Path) -> Manifest | None:
    """Read the manifest of a store; None for a folder that is empty but for what we leave there ourselves."""
    if (root / MANIFEST).exists():
        return manifests.read(root / MANIFEST)
    ours = {".lock", *(leftover.name for leftover in leftovers(root))}
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
        raise unwritable(root, error) from error
    return lock
