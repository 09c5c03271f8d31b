"""Engines that were built before, by the hash of everything that decides them; shared by all stores of a machine.

An entry is a folder named by its key: the files, and `entry.json` with their hashes and the parts of the key. It is
published by renaming a finished folder. Nothing is forced to the disk: what a power failure damaged is found out by
its hashes. The whole cache may be removed at any time.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from batchproof.artifacts.hashing import key_of
from batchproof.build.cache.engine_key import EngineKey
from batchproof.errors import StoreError

_CHUNK = 1 << 20
_ENGINE, _SIDECAR, _ENTRY = "engine", "engine.json", "entry.json"
_LOCKS = "locks"
_WORK = ".work-"
_IS_KEY = re.compile(r"[0-9a-f]{64}")


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class _Entry:
    """What stands in `entry.json`: the sha256 of both files, and the parts of the key for whoever reads it."""

    engine: str
    sidecar: str
    key: dict[str, Any]


_ENTRIES = TypeAdapter(_Entry)


def default_root() -> Path:
    """Return `$BATCHPROOF_CACHE`, or else `batchproof/engines` in the user's cache folder.

    Raises `StoreError` for a user who has no home.
    """
    if named := os.environ.get("BATCHPROOF_CACHE"):
        return Path(named)
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        caches = caches if caches.is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        remedy = "Choose one with --cache DIR, or build with --no-cache"
        raise StoreError("this user has no home folder for the engine cache", remedy=remedy) from error
    return caches / "batchproof" / "engines"


class EngineCache:
    """Engines under `root`, safe for any number of processes and threads."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def fetch_or_build(self, key: EngineKey, engine: Path, sidecar: Path, build: Callable[[], object]) -> bool:
        """Bring an engine and its sidecar to these paths: True when they were here, False when `build` wrote them.

        Of several who want a key at a time one builds, the others wait and get the same files. What is here is checked
        by its hashes, and built again when it is damaged. What `build` raises passes through and leaves no entry.

        Raises `StoreError` when there is no entry and the cache cannot take one, before building if that is known,
        and `OSError` when `engine` or `sidecar` cannot be written.
        """
        entry = self.root / key.sha256
        if _fetched(entry, key, engine, sidecar):
            return True
        with self._refusing():
            self._sweep()
            lock = self._lock(key.sha256)
            lock.acquire()
        try:
            if _fetched(entry, key, engine, sidecar):
                return True
            self._build(key, engine, sidecar, build)
            return False
        finally:
            lock.release()

    def _build(self, key: EngineKey, engine: Path, sidecar: Path, build: Callable[[], object]) -> None:
        """Build while holding the lock; that there is room for the entry is tried first."""
        folder = self.root / f"{_WORK}{key.sha256}"
        with self._refusing():
            _remove(folder)
            folder.mkdir()
        try:
            build()
            with self._refusing():
                _fill(folder, key, engine, sidecar)
                _remove(self.root / key.sha256)  # a damaged entry
                folder.rename(self.root / key.sha256)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what killed builders have left; a builder that is at work holds the lock of its key."""
        for leftover in self.root.glob(f"{_WORK}*"):
            if _IS_KEY.fullmatch(name := leftover.name.removeprefix(_WORK)):
                with suppress(Timeout), self._lock(name).acquire(timeout=0):
                    _remove(leftover)

    def _lock(self, name: str) -> FileLock:
        locks = self.root / _LOCKS
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / name)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Say which folder cannot be written, and how to do without it."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"the engine cache cannot be written ({error.strerror or error})",
                where=self.root,
                remedy="Check permissions and free space, choose another with --cache DIR, or build with --no-cache",
            ) from error


def _remove(path: Path) -> None:
    """Remove whatever stands where an entry belongs; a link, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _fetched(entry: Path, key: EngineKey, engine: Path, sidecar: Path) -> bool:
    """Copy the files of an entry; without one, or with one that is damaged or another's, nothing stays behind."""
    if entry.is_symlink() or not all((entry / name).is_file() for name in (_ENTRY, _ENGINE, _SIDECAR)):
        return False  # a pipe would be waited for
    with ExitStack() as opened:
        try:
            wanted = _ENTRIES.validate_json((entry / _ENTRY).read_bytes())
            cached = [opened.enter_context((entry / name).open("rb")) for name in (_ENGINE, _SIDECAR)]
        except (OSError, ValidationError):
            return False
        if key_of(wanted.key) != key.sha256:
            return False
        copied = [_copy(source, target) for source, target in zip(cached, (engine, sidecar), strict=True)]
    if copied == [wanted.engine, wanted.sidecar]:
        return True
    engine.unlink()
    sidecar.unlink()
    return False


def _fill(folder: Path, key: EngineKey, engine: Path, sidecar: Path) -> None:
    with engine.open("rb") as built, sidecar.open("rb") as described:
        entry = _Entry(_copy(built, folder / _ENGINE), _copy(described, folder / _SIDECAR), key.parts)
    (folder / _ENTRY).write_bytes(_ENTRIES.dump_json(entry, indent=1) + b"\n")


def _copy(source: BinaryIO, target: Path) -> str:
    """Copy and return the sha256 of what was copied."""
    digest = hashlib.sha256()
    with target.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
    return digest.hexdigest()
