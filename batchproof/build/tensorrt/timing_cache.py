"""Timing caches of enterprise TensorRT: which tactic was fastest, recorded once and held to afterwards.

A build measures every tactic anew, so that two builds may choose differently. A recorded cache is a file that decides;
its SHA-256 says which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from batchproof.artifacts.input_file import read_bytes
from batchproof.artifacts.output_file import write_bytes
from batchproof.build.tensorrt.compat import NAMES, Backend, TensorRT
from batchproof.errors import InputError, StepFailedError, first_few
from batchproof.verdict import Status, Verdict

Mode = Literal["record", "verified"]
Tactics = dict[str, int]
# The caches of whole packs are a few megabytes.
_LARGEST = 2**30
_EDITABLE = "EDITABLE_TIMING_CACHE"
_RTX = (
    "TensorRT-RTX has no timing cache: it times nothing when it builds, and compiles on the device, where its runtime "
    "cache keeps the result"
)


@dataclass(frozen=True)
class TimingCache:
    """The timing cache of one engine: `record` writes `file` and `FILE.sha256`, `verified` reads the one of `sha256`.

    Raises `InputError` when `verified` comes without a hash, or `record` with one.
    """

    mode: Mode
    file: Path
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.mode == "verified" and not self.sha256:
            remedy = f"It stands in {self.file.name}.sha256, where 'record' wrote it"
            raise InputError("a verified timing cache needs its SHA-256", where=self.file, remedy=remedy)
        if self.mode == "record" and self.sha256:
            raise InputError("'record' decides the SHA-256 itself", where=self.file, remedy="Use 'verified'")

    def check(self, backend: Backend) -> None:
        """Raise `InputError` when `backend` keeps no such cache, or the file is missing or is another than promised."""
        if backend == "rtx":
            raise InputError(_RTX, where=self.file, remedy="Switch the timing cache off for this target")
        found = _sha256(self.content) if self.mode == "verified" else None
        if found != self.sha256:
            remedy = "Fetch the cache that belongs to the hash, or record a new one"
            raise InputError(f"its SHA-256 is {found}, expected {self.sha256}", where=self.file, remedy=remedy)

    @property
    def content(self) -> bytes:
        """What a build starts from: the file's bytes, nothing when it records."""
        if self.mode == "record":
            return b""
        return read_bytes(self.file, largest=_LARGEST, too_large="Record a new one")

    def used(self, left: bytes, changes: TacticChanges) -> CacheUse:
        """Say what a build did, which `left` the cache like this; a recording is written, its hash beside it.

        Raises `StoreError` when the disk refuses.
        """
        if self.mode == "record":
            self._write(left)
        return CacheUse(self.mode, self.sha256 or _sha256(left), changes)

    def _write(self, recorded: bytes) -> None:
        write_bytes(self.file, recorded)
        hash_file = self.file.with_name(f"{self.file.name}.sha256")
        write_bytes(hash_file, f"{_sha256(recorded)}  {self.file.name}\n".encode(errors="surrogateescape"))


@dataclass(frozen=True)
class TacticChanges:
    """What a build did to the cache it was given: how many tactics it held, and the keys where the build departed."""

    held: int
    added: tuple[str, ...]
    differing: tuple[str, ...]

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> TacticChanges:
        """Read what JSON left of one."""
        return cls(data["held"], tuple(data["added"]), tuple(data["differing"]))

    @classmethod
    def between(cls, before: Mapping[str, int], after: Mapping[str, int]) -> TacticChanges:
        """Compare two states of a cache, key by key."""
        differing = tuple(sorted(key for key in before if after.get(key) != before[key]))
        return cls(len(before), tuple(sorted(after.keys() - before.keys())), differing)


@dataclass(frozen=True)
class CacheUse:
    """Which cache a build was given or recorded, and what it did to it."""

    mode: Mode
    sha256: str
    changes: TacticChanges

    def verdict(self, subject: str) -> Verdict:
        """Judge `build.timing_cache`: a recording always passes, a verified build when it departed nowhere."""
        held, added, differing = self.changes.held, self.changes.added, self.changes.differing
        if self.mode == "record":
            reason = f"{len(added)} tactics recorded, SHA-256 {self.sha256}"
            return Verdict("build.timing_cache", subject, Status.PASS, reason)
        reason = f"of the {held} tactics of cache {self.sha256[:12]}, {len(differing)} differ; {len(added)} are new"
        departures = (*differing, *added)
        status = Status.FAIL if departures else Status.PASS
        witness = first_few(departures) or None
        return Verdict("build.timing_cache", subject, status, reason, len(departures), 0, "tactics", witness)


def attach(tensorrt: TensorRT, config: Any, content: bytes) -> Any:
    """Give a builder configuration a cache that says what it holds; an empty one for empty `content`.

    Raises `StepFailedError` when this TensorRT has no such caches, or cannot use this one on this GPU.
    """
    if _EDITABLE not in tensorrt.builder_flags:
        raise StepFailedError(
            f"{NAMES[tensorrt.backend]} {tensorrt.version} has no builder flag {_EDITABLE}",
            remedy="Switch the timing cache off, or use a later release",
        )
    config.set_flag(getattr(tensorrt.module.BuilderFlag, _EDITABLE))
    cache = config.create_timing_cache(content)
    if cache is None or not config.set_timing_cache(cache, False) or (content and not cache.queryKeys()):
        raise StepFailedError(
            "the timing cache holds nothing that this TensorRT can use on this GPU",
            remedy="Record one here, with this release",
        )
    return cache


def tactics(cache: Any) -> Tactics:
    """Read the tactic of every key of a cache."""
    return {str(key): int(cache.query(key).tacticHash) for key in cache.queryKeys()}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
