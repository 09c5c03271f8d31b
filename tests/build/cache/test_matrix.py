"""A matrix of real TensorRT-RTX engines, killed at random moments and built by several processes at once.

`nox -s kills` kills it fifty times, and writes reports/kills.md.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.build.cache.kills import kill
from tests.build.cache.matrix import CELLS, Matrix, assert_no_worker_stays, finish, workers

pytestmark = pytest.mark.whole


def test_a_matrix_killed_at_any_moment_leaves_a_consistent_store_and_ends_the_same(tmp_path: Path) -> None:
    survived = kill(tmp_path, 2)
    assert sum(survived.by_engines_done.values()) == 2
    assert survived.finished >= 1


def test_an_interrupt_that_reaches_the_workers_as_well_is_held_against_no_engine(tmp_path: Path) -> None:
    matrix = Matrix.in_folder(tmp_path, "store")
    process = matrix.start()
    while len(list(workers(process.pid))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert_no_worker_stays(process.pid)
    matrix.assert_consistent()
    assert matrix.engines() < CELLS
    matrix.build()
    assert matrix.engines() == CELLS


def test_of_two_processes_that_build_the_same_keys_each_key_is_built_by_one(tmp_path: Path) -> None:
    matrices = [Matrix.in_folder(tmp_path, name, cache="cache") for name in ("one", "other")]
    for process in [matrix.start() for matrix in matrices]:
        finish(process)
    one, other = (matrix.artifacts() for matrix in matrices)
    assert one == other  # descriptions among them, in which no two builds took the same time
    assert matrices[0].engines() == CELLS
    for matrix in matrices:
        matrix.assert_consistent()


def test_of_two_processes_in_one_store_the_second_has_nothing_to_do(tmp_path: Path) -> None:
    matrix = Matrix.in_folder(tmp_path, "store")
    for process in [matrix.start() for _ in range(2)]:
        finish(process)
    assert matrix.engines() == CELLS
    matrix.assert_consistent()
