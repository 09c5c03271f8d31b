from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.bench import executor, sweep
from batchproof.bench.candidate import Candidate, candidates
from batchproof.bench.machine_roof import CpuRoof
from batchproof.bench.roofline import Roof
from batchproof.bench.settings import BenchSettings
from batchproof.bench.sweep import ModelSweep
from batchproof.bench.turns import Samples
from batchproof.build.limited_runner import Limits
from batchproof.errors import StepFailedError, StepNotRunError
from batchproof.providers import Obstacle
from batchproof.targets import target
from tests.bench.stores import DETECTOR, build, opened

SETTINGS = BenchSettings(batches=(1, 2, 4, 8), rounds=3, threads=1, size=None, min_cosine=0.99)


class StillRoof(CpuRoof):
    """A roof that needs no second look."""

    def look(self) -> None:
        self.best = Roof(100, 10)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Candidate]:
    root = tmp_path_factory.mktemp("store")
    with opened(root) as store:
        build(store, (DETECTOR,))
        return list(candidates(root, store.manifest))


def swept(found: list[Candidate], settings: BenchSettings = SETTINGS) -> ModelSweep:
    return ModelSweep(found, settings, StillRoof(1))


def test_every_batch_of_a_session_and_of_its_graph_is_measured_both_ways(built: list[Candidate]) -> None:
    session, graph, _ = built
    both = swept(built)
    for candidate in (session, graph):
        found = both.of(candidate)
        assert [figures.batch for figures in found.batches] == [1, 2, 4]
        for figures in found.batches:
            assert figures.with_transfer.p50_ms > 0
            assert figures.without_transfer.p50_ms > 0
            assert figures.with_transfer.repetitions == figures.without_transfer.repetitions == 3
            assert figures.roof is not None
        assert (found.height, found.width, found.threads, found.runner) == (96, 160, 1, "onnxruntime cpu, optimised")
        assert found.work.macs == (2 + 8 + 20) * 3 * (12 * 20 * 64 + 6 * 10 * 256 + 3 * 5 * 1024)
        assert [(one.batch, one.reason) for one in found.left_out] == [(8, "it was built for 1,2,4@96x160")]


def test_gain_is_throughput_over_that_of_batch_1(built: list[Candidate], monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {1: 0.010, 2: 0.016, 4: 0.040}
    monkeypatch.setattr(
        sweep, "take_turns", lambda works, counts: {case: Samples((seconds[case.batch],), (0.0,)) for case in works}
    )
    found = swept(built[:1]).of(built[0])
    assert [figures.images_per_second for figures in found.batches] == pytest.approx([100, 125, 100])
    assert [figures.gain for figures in found.batches] == pytest.approx([1, 1.25, 1])
    assert found.best.batch == 2


def test_without_batch_1_there_is_no_gain(built: list[Candidate]) -> None:
    found = swept(built[:1], replace(SETTINGS, batches=(2, 4))).of(built[0])
    assert [figures.gain for figures in found.batches] == [None, None]


def test_an_engine_without_a_gpu_is_not_run_and_the_others_are(
    built: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "gpu", lambda: None)
    all_of_them = swept(built)
    with pytest.raises(StepNotRunError, match="no CUDA driver"):
        all_of_them.of(built[2])
    assert all_of_them.of(built[0]).batches


def test_a_provider_that_does_not_work_says_why(built: list[Candidate], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "obstacle", lambda provider: Obstacle(f"{provider} is not here", "Install it"))
    cuda = replace(built[1], backend="ort-cuda", target=target("ort-cuda"))
    with pytest.raises(StepNotRunError, match=r"CUDAExecutionProvider is not here\. Install it"):
        swept([cuda]).of(cuda)


def test_a_session_that_does_not_load_fails_alone(built: list[Candidate], tmp_path: Path) -> None:
    (tmp_path / "broken.ort").write_bytes(b"no session")
    broken = replace(built[0], built=str(tmp_path / "broken.ort"), subject="broken")
    both = swept([broken, built[1]])
    with pytest.raises(StepFailedError, match="cannot load"):
        both.of(broken)
    assert both.of(built[1]).batches


def test_batches_that_are_all_outside_leave_nothing_to_measure(built: list[Candidate]) -> None:
    with pytest.raises(StepNotRunError, match="none of the batches 8, 16: it was built for"):
        swept(built[:1], replace(SETTINGS, batches=(8, 16))).of(built[0])


def test_what_would_take_too_long_is_left_out_and_the_reason_told(
    built: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_SLOWEST_SECONDS", 0.0)
    found = swept(built[:1]).of(built[0])
    assert [figures.batch for figures in found.batches] == [1]
    assert ["would take about" in one.reason for one in found.left_out] == [False, True, True]


def test_both_ways_of_running_a_batch_give_the_same(built: list[Candidate]) -> None:
    """A run that nobody looks at could as well do nothing."""
    one = executor.open_executor(built[0], (96, 160), 2, 1, Limits())
    with_transfer, without = one.ready(2)
    outputs = with_transfer()
    assert isinstance(outputs, dict)
    assert {name: values.shape[0] for name, values in outputs.items()} == dict.fromkeys(outputs, 2)
    without()


def test_a_failure_in_the_middle_is_told_of_all_that_took_turns_and_measured_once(
    built: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def failing(works: object, counts: object) -> None:
        tried.append(works)
        raise StepFailedError("the device was lost")

    monkeypatch.setattr(sweep, "take_turns", failing)
    monkeypatch.setattr(executor, "gpu", lambda: None)
    together = swept(built)
    for candidate, told in zip(built, ("device was lost", "device was lost", "no CUDA driver"), strict=True):
        with pytest.raises((StepFailedError, StepNotRunError), match=told):
            together.of(candidate)
    assert len(tried) == 1
