"""`batchproof build --matrix` on a folder with one tiny model, and what must be true of its store at any moment.

The result is six real TensorRT-RTX engines: two precisions, three choices of profiles.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.store import MANIFEST, open_store
from tests.broken import graphs
from tests.listening import Remembering

PROFILES = ("1,4,8", "1+1,4,8", "1,2+8")
CELLS = 2 * len(PROFILES)
REPOSITORY = Path(__file__).parents[3]
_SECONDS = 300
_JOBS = 2
# What no two builds have in common.
_MEASURED = {"seconds", "peak_memory_bytes"}
# Beside what the manifest names.
_OWN = {MANIFEST, "report.md", "report.html", ".lock"}


@dataclass(frozen=True)
class Matrix:
    """One store of the matrix; stores of one `folder` share its models, and its engine cache where `cache` is."""

    folder: Path
    store: Path
    cache: Path

    @classmethod
    def in_folder(cls, folder: Path, name: str, cache: str | None = None) -> Matrix:
        """Name a store, and write the model if it is the first."""
        models = folder / "models"
        models.mkdir(parents=True, exist_ok=True)
        model = graphs.sound()
        model.opset_import[0].version = 17
        onnx.save(model, models / "tiny.onnx")
        return cls(folder, folder / name, folder / (cache or f"{name}.cache"))

    def start(self) -> subprocess.Popen[str]:
        """Begin to build, in a session of its own, by which the workers are found."""
        profiles = [word for text in PROFILES for word in ("--profile", text)]
        places = ["-o", str(self.store), "--cache", str(self.cache)]
        command = ["build", "--matrix", str(self.folder / "models"), "--target", "rtx", "--jobs", str(_JOBS)]
        return subprocess.Popen(
            [sys.executable, "-m", "batchproof", *command, *profiles, *places],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def build(self) -> None:
        """Build to the end."""
        finish(self.start())

    def engines(self) -> int:
        """How many engines the manifest has."""
        return sum(path.endswith(".engine") for path in self.artifacts())

    def artifacts(self) -> dict[str, str]:
        """The files that the manifest names, with their hashes."""
        records = manifests.read(self.store / MANIFEST).records if (self.store / MANIFEST).exists() else ()
        return {artifact.path: artifact.sha256 for record in records for artifact in record.artifacts}

    def assert_consistent(self) -> None:
        """Whatever the manifest names is there and whole; once the store has been opened again, nothing else is."""
        named = self.artifacts()
        assert {path: content_sha256(self.store / path) for path in named} == named, "a named file is not whole"
        with open_store(self.store, "models", Remembering()):
            files = {path.relative_to(self.store).as_posix() for path in self.store.rglob("*") if path.is_file()}
        assert files - _OWN == set(named), "a file is there that the manifest does not name"

    def assert_cache_is_clean(self) -> None:
        """Nothing unfinished is in the engine cache."""
        assert {path.name[0] for path in self.cache.iterdir()}.isdisjoint("."), "unfinished work is in the engine cache"

    def result(self) -> dict[str, Any]:
        """All that two builds of a matrix have in common: records in their order, and what the sidecars say."""
        records = json.loads((self.store / MANIFEST).read_text())["records"]
        sidecars = [json.loads((self.store / path).read_text()) for path in self.artifacts() if path.endswith(".json")]
        return {
            "records": [_outcome(record) for record in records],
            "sidecars": [_without_times(sidecar) for sidecar in sidecars],
        }


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for a matrix, which must succeed."""
    _, said = process.communicate(timeout=_SECONDS)
    assert process.returncode == 0, said


def workers(session: int) -> Iterator[str]:
    """Processes of a session that are not finished."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if int(its_session) == session and state != "Z":
            yield stat.parent.name


def assert_no_worker_stays(session: int) -> None:
    """Wait a little for the workers of a killed matrix to end."""
    deadline = time.monotonic() + 10
    while left := list(workers(session)):
        assert time.monotonic() < deadline, f"processes {left} outlive the one that started them"
        time.sleep(0.01)


def _outcome(record: dict[str, Any]) -> dict[str, Any]:
    verdicts = [(verdict["check"], verdict["status"]) for verdict in record["verdicts"]]
    artifacts = [artifact["path"] for artifact in record["artifacts"]]
    return {**{name: record[name] for name in ("check", "subject", "key")}, "verdicts": verdicts, "files": artifacts}


def _without_times(sidecar: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sidecar.items() if name not in _MEASURED}
