"""The store of one pack: `<out>/<pack>/`, its manifest, its lock, and the rule when a step needs not run."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from batchproof import verdict
from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.hashing import content_sha256, key_of
from batchproof.artifacts.manifest import Artifact, Manifest, ModelEntry, Record
from batchproof.artifacts.step import Listener, Step, Workspace
from batchproof.artifacts.tools import versions
from batchproof.errors import StepFailedError, StoreError
from batchproof.verdict import Status, Verdict

MANIFEST = "manifest.json"
_WORK = ".work-"


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
        missing = [parent for parent in step.parents if self.manifest.artifact(parent) is None]
        if missing:
            return self._keep(_not_run(step, missing), unchanged=False)
        wanted = self._declare(step)
        old = self.manifest.record(step.stage, step.name)
        if old is not None and old.key == wanted.key and all(self._is_intact(artifact) for artifact in old.artifacts):
            self._listener.finished(old, unchanged=True)
            return old
        self._listener.started(step)
        return self._keep(self._compute(step, wanted), unchanged=False)

    def retain(self, stage: str, names: Sequence[str]) -> None:
        """Forget the stage's steps that are not in `names`, with their files: the pack has lost those models."""
        gone = [record for record in self.manifest.records if record.stage == stage and record.name not in names]
        if gone:
            self._save(
                replace(self.manifest, records=tuple(record for record in self.manifest.records if record not in gone))
            )
            for artifact in (artifact for record in gone for artifact in record.artifacts):
                self.path(artifact.path).unlink(missing_ok=True)

    def describe(self, models: dict[str, ModelEntry]) -> None:
        """Note which models the pack has."""
        if models != self.manifest.models:
            self._save(replace(self.manifest, models=models))

    def _declare(self, step: Step) -> Record:
        """Everything that decides the step's outcome, and the key over it."""
        record = Record(
            stage=step.stage,
            name=step.name,
            key="",
            parents={parent: self._hash_of(parent) for parent in step.parents},
            sources={source.name: content_sha256(source) for source in step.sources},
            settings=dict(step.settings),
            tools=versions(step.tools),
        )
        decisive = (
            record.stage,
            record.name,
            record.parents,
            record.sources,
            record.settings,
            record.tools,
            step.produces,
        )
        return replace(record, key=key_of({"step": decisive}))

    def _hash_of(self, path: str) -> str:
        artifact = self.manifest.artifact(path)
        if artifact is None:
            raise StoreError(f"has no artifact '{path}'", where=self.root)
        return artifact.sha256

    def _is_intact(self, artifact: Artifact) -> bool:
        path = self.path(artifact.path)
        return path.is_file() and path.stat().st_size == artifact.bytes and content_sha256(path) == artifact.sha256

    def _compute(self, step: Step, declared: Record) -> Record:
        began = time.perf_counter()
        with self._workspace(step) as workspace:
            try:
                outcome = step.action(workspace)
            except StepFailedError as error:
                failure = Verdict(f"{step.stage}.completes", step.name, Status.FAIL, error.line())
                return replace(declared, key="", verdicts=(failure,), finished=_now())
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

    def _keep(self, record: Record, *, unchanged: bool) -> Record:
        self._save(self.manifest.with_record(record))
        self._listener.finished(record, unchanged=unchanged)
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
        for leftover in [*root.glob(f"{_WORK}*"), *root.glob(f".{MANIFEST}.*")]:
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        existing = root / MANIFEST
        manifest = manifests.read(existing) if existing.exists() else Manifest(pack)
        yield Store(root, replace(manifest, pack=pack), listener)
    finally:
        lock.release()


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


def _not_run(step: Step, missing: list[str]) -> Record:
    reason = f"needs {', '.join(missing)}, which an earlier stage did not produce"
    return Record(
        step.stage,
        step.name,
        key="",
        verdicts=(verdict.not_run(f"{step.stage}.completes", step.name, reason),),
        finished=_now(),
    )


def _unwritable(where: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be written ({error.strerror or error})",
        where=where,
        remedy="Check permissions and free space, or choose another folder with --out",
    )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
