"""The manifest: the one ordered truth of a store, as JSON that ten lines of any language can read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError, with_config

from batchproof.artifacts.input_file import read_bytes
from batchproof.artifacts.output_file import write_bytes
from batchproof.errors import StoreError
from batchproof.verdict import Status, Verdict
from batchproof.zoo.spec import ModelSpec

FORMAT = 1
_EXACT_KEYS = ConfigDict(extra="forbid")


def _inside_the_store(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or len(pure.parts) < 2 or path.startswith("."):
        raise ValueError(f"'{path}' is no place for an artifact of the store")
    return path


StorePath = Annotated[str, AfterValidator(_inside_the_store)]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Artifact:
    """One file of the store; `sha256` covers an ONNX file's external data."""

    path: StorePath
    sha256: str
    bytes: int


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Record:
    """What one step did: from which parents, sources, settings and tools, with which artifacts and verdicts.

    `check` and `subject` identify the step; the names of its verdicts begin with `check`. `key` is the hash of
    everything that decides the outcome; it is empty when the step must run again. `sources` are files from outside
    the store, by name and hash. `notes` are measurements that no threshold judges.
    """

    stage: str
    check: str
    subject: str
    key: str
    parents: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    machine: str = ""
    seconds: float = 0.0
    finished: str = ""

    @property
    def not_run(self) -> bool:
        """Whether the step could not run at all."""
        return not self.key and all(verdict.status is Status.NOT_RUN for verdict in self.verdicts)


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class ModelEntry:
    """One model of the pack: what it is, why we think so, where it came from and under which licence."""

    spec: ModelSpec
    reason: str
    source: str
    licence: str


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Manifest:
    """Everything a store knows about itself."""

    pack: str
    format: int = FORMAT
    models: dict[str, ModelEntry] = field(default_factory=dict)
    records: tuple[Record, ...] = ()

    def record(self, check: str, subject: str) -> Record | None:
        """Find the record of one step."""
        return next((record for record in self.records if (record.check, record.subject) == (check, subject)), None)

    def artifact(self, path: str) -> Artifact | None:
        """Find an artifact by its path in the store."""
        return next(
            (artifact for record in self.records for artifact in record.artifacts if artifact.path == path), None
        )

    def producer(self, path: str) -> Record | None:
        """Find the record of the step that made an artifact."""
        made = (record for record in self.records if any(artifact.path == path for artifact in record.artifacts))
        return next(made, None)

    def with_record(self, record: Record) -> Manifest:
        """Return a manifest in which `record` takes the place of its predecessor, or stands at the end."""
        old = self.record(record.check, record.subject)
        if old is None:
            return replace(self, records=(*self.records, record))
        return replace(self, records=tuple(record if entry is old else entry for entry in self.records))

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All verdicts, in the order of the steps."""
        return tuple(verdict for record in self.records for verdict in record.verdicts)


_ADAPTER = TypeAdapter(Manifest)


def read(path: Path) -> Manifest:
    """Read a manifest; raises `InputError` where there is none, `StoreError` with the first thing that is wrong."""
    content = read_bytes(path)
    try:
        _require_format(content, path)
        return _ADAPTER.validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise StoreError(
            f"not a manifest that this version can read ({first['msg']} at '{at}')",
            where=path,
            remedy="Move the folder away and run again",
        ) from error


def _require_format(content: bytes, path: Path) -> None:
    """Look at the format first: another one may have any other keys."""
    header = TypeAdapter(dict[str, Any]).validate_json(content)
    if header.get("format", FORMAT) != FORMAT:
        remedy = "Use the version of batchproof that wrote it"
        raise StoreError(f"has format {header['format']}, this version reads {FORMAT}", where=path, remedy=remedy)


def write(manifest: Manifest, path: Path) -> None:
    """Write a manifest atomically: a reader, or a kill at any moment, sees the old one or the new one."""
    write_bytes(path, _ADAPTER.dump_json(manifest, indent=1) + b"\n")
