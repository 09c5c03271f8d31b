from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchproof.bench import engine_process, executor
from batchproof.bench.candidate import Candidate, candidates
from batchproof.bench.engine_order import Order
from batchproof.bench.engine_process import EngineExecutor, order_for
from batchproof.bench.machine_roof import CpuRoof
from batchproof.bench.settings import BenchSettings
from batchproof.bench.sweep import ModelSweep
from batchproof.errors import StepFailedError, StepNotRunError
from batchproof.profile import Profile
from batchproof.targets import target
from tests.bench.engine_stand_in import COMMAND
from tests.bench.stores import DETECTOR, build, opened

SETTINGS = BenchSettings(batches=(1, 2, 4), rounds=2, threads=1, size=None, min_cosine=0.99)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    root = tmp_path_factory.mktemp("store")
    with opened(root) as store:
        build(store, (DETECTOR,))
        return next(found for found in candidates(root, store.manifest) if found.backend == "rtx")


@pytest.fixture
def _on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "gpu", lambda: "a GPU")
    monkeypatch.setattr(engine_process, "WORKER_COMMAND", COMMAND)
    monkeypatch.setattr(CpuRoof, "look", lambda self: None)


@pytest.mark.usefixtures("_on_a_gpu")
def test_an_engine_is_timed_in_a_process_of_its_own_both_ways(engine: Candidate) -> None:
    found = ModelSweep([engine], SETTINGS, CpuRoof(1)).of(engine)
    assert [figures.batch for figures in found.batches] == [1, 2]
    assert all(figures.without_transfer.p50_ms > 0 for figures in found.batches)
    assert [(one.batch, one.reason) for one in found.left_out] == [(4, "out of memory")]
    assert found.runner.startswith("TensorRT-RTX 1.")
    assert (found.on_cpu, found.roof) == (False, None)


@pytest.mark.usefixtures("_on_a_gpu")
def test_no_process_outlives_the_sweep(engine: Candidate, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*given: Any, **named: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*given, **named))
        return started[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    ModelSweep([engine], SETTINGS, CpuRoof(1)).of(engine)
    assert [process.poll() for process in started] == [0]


@pytest.mark.usefixtures("_on_a_gpu")
def test_the_seconds_are_those_of_the_process(engine: Candidate) -> None:
    timing = EngineExecutor(order_for(engine, (96, 160), 2))
    with_transfer, without = timing.ready(2)
    assert isinstance(with_transfer(), float)
    assert isinstance(without(), float)
    timing.close()
    assert timing._process.poll() == 0  # it ends by itself when nobody can ask it any more


def test_a_file_that_is_no_engine_is_told_by_the_real_process(engine: Candidate) -> None:
    with pytest.raises(StepFailedError, match="is no TensorRT engine"):
        EngineExecutor(order_for(engine, (96, 160), 1))


def test_an_engine_whose_tensorrt_is_not_installed_is_not_run(engine: Candidate) -> None:
    local = replace(engine, target=target("local"), backend="local")
    with pytest.raises(StepNotRunError, match="tensorrt is not installed"):
        EngineExecutor(order_for(local, (96, 160), 1))


def test_a_process_that_dies_is_a_failure_of_its_engine(engine: Candidate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_process, "WORKER_COMMAND", (sys.executable, "-c", "raise SystemExit(7)"))
    with pytest.raises(StepFailedError, match="ended with 7"):
        EngineExecutor(order_for(engine, (96, 160), 1))


def test_each_batch_goes_to_the_first_profile_that_takes_it(engine: Candidate) -> None:
    several = replace(engine, profiles=(Profile(1, 1, 1), Profile(2, 4, 8)))
    order = order_for(several, (96, 160), 8)
    assert [order.profile(batch) for batch in (1, 2, 8)] == [0, 1, 1]
    assert (order.image, Path(order.path).name) == ("input", "det.fp32.engine")
    assert Order.read(order.line) == order
