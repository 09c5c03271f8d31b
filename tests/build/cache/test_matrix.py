"""A matrix of real TensorRT-RTX engines, killed at random moments and built by several processes at once.

`BATCHPROOF_KILLS` says how often it is killed; `nox -s kills` does it fifty times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.store import MANIFEST, open_store
from tests.build.cache.matrix import PRECISIONS, PROFILES
from tests.listening import Remembering

REPOSITORY = Path(__file__).parents[2]
KILLS = int(os.environ.get("BATCHPROOF_KILLS", "5"))
CELLS = len(PRECISIONS) * len(PROFILES)
SECONDS = 120
# What no two builds have in common.
MEASURED = {"seconds", "peak_memory_bytes"}


def start(store: Path, cache: Path) -> subprocess.Popen[str]:
    """Begin to build the matrix, in a session of its own, by which its workers are found."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.build.cache.matrix", str(store), str(cache)],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Wait for a matrix and return what it printed: for every engine whether it was built or fetched."""
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    return out.splitlines()


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - {".lock"}


def artifacts(store: Path) -> dict[str, str]:
    records = manifests.read(store / MANIFEST).records if (store / MANIFEST).exists() else ()
    return {artifact.path: artifact.sha256 for record in records for artifact in record.artifacts}


def assert_consistent(store: Path) -> None:
    """Whatever the manifest names is there and whole; once the store has been opened again, nothing else is."""
    named = artifacts(store)
    assert {path: content_sha256(store / path) for path in named} == named
    with open_store(store, "matrix", Remembering()):
        assert files(store) - {MANIFEST} == set(named)


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
    deadline = time.monotonic() + 5
    while left := list(workers(session)):
        assert time.monotonic() < deadline, f"processes {left} outlive the one that started them"
        time.sleep(0.01)


def result(store: Path) -> dict[str, Any]:
    """All that two builds of a matrix have in common: records in their order, and what the sidecars say."""
    records = json.loads((store / MANIFEST).read_text())["records"]
    sidecars = [json.loads((store / path).read_text()) for path in artifacts(store) if path.endswith(".json")]
    return {
        "records": [
            {name: value for name, value in record.items() if name not in {"artifacts", "seconds", "finished"}}
            | {"artifacts": [artifact["path"] for artifact in record["artifacts"]]}
            for record in records
        ],
        "sidecars": [{name: value for name, value in sidecar.items() if name not in MEASURED} for sidecar in sidecars],
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A store that nothing happened to, and how long it took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    began = time.monotonic()
    printed = finish(start(folder / "store", folder / "cache"))
    assert [line.split()[0] for line in printed] == ["built"] * CELLS
    return folder / "store", time.monotonic() - began


def test_a_matrix_killed_at_any_moment_leaves_a_consistent_store_and_ends_the_same(
    tmp_path: Path, undisturbed: tuple[Path, float]
) -> None:
    whole, seconds = undisturbed
    moments, kills, round_ = random.Random(0), 0, 0
    while kills < KILLS:
        store, cache = tmp_path / f"store_{round_}", tmp_path / f"cache_{round_}"
        killed = True
        while killed and kills < KILLS:
            process = start(store, cache)
            time.sleep(moments.uniform(0, seconds))
            process.kill()
            process.communicate()
            killed = process.returncode == -signal.SIGKILL
            kills += killed
            assert_no_worker_stays(process.pid)
            if store.exists():
                assert_consistent(store)
        finish(start(store, cache))
        assert result(store) == result(whole)
        assert {path.name[0] for path in cache.iterdir() if path.name != "locks"}.isdisjoint(".")
        round_ += 1


def test_an_interrupt_that_reaches_the_workers_as_well_is_held_against_no_engine(
    tmp_path: Path, undisturbed: tuple[Path, float]
) -> None:
    store, cache = tmp_path / "store", tmp_path / "cache"
    process = start(store, cache)
    while len(list(workers(process.pid))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)
    assert "KeyboardInterrupt" in err
    assert_no_worker_stays(process.pid)
    assert_consistent(store)
    if (store / MANIFEST).exists():
        assert manifests.read(store / MANIFEST).verdicts == ()
    finish(start(store, cache))
    assert result(store) == result(undisturbed[0])


def test_of_two_processes_that_build_the_same_keys_each_key_is_built_by_one(tmp_path: Path) -> None:
    stores = tmp_path / "one", tmp_path / "other"
    printed = [finish(process) for process in [start(store, tmp_path / "cache") for store in stores]]
    built = [{line.split()[1] for line in lines if line.startswith("built")} for lines in printed]
    assert [len(lines) for lines in printed] == [CELLS, CELLS]
    assert built[0].isdisjoint(built[1])
    assert len(built[0] | built[1]) == CELLS
    assert artifacts(stores[0]) == artifacts(stores[1])
    for store in stores:
        assert_consistent(store)


def test_of_two_processes_in_one_store_the_second_has_nothing_to_do(tmp_path: Path) -> None:
    store = tmp_path / "store"
    printed = [finish(process) for process in [start(store, tmp_path / "cache") for _ in range(2)]]
    assert sorted(map(len, printed)) == [0, CELLS]
    assert_consistent(store)
