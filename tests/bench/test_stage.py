from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import ModelEntry
from batchproof.artifacts.step import Outcome, Step
from batchproof.artifacts.store import Store
from batchproof.bench import executor, stage, sweep
from batchproof.bench.machine_roof import CpuRoof
from batchproof.bench.settings import BenchSettings
from batchproof.errors import InputError, MissingDependencyError
from batchproof.pipeline.opencv import cv2
from batchproof.verdict import Status
from batchproof.zoo.families import adaface
from tests.bench.stores import DETECTOR, EMBEDDER, build, opened, spec_of
from tests.listening import Remembering
from tests.pipeline.tiny_scrfd import picture

SETTINGS = BenchSettings(batches=(1, 2), rounds=1, threads=1, size=(96, 160), min_cosine=0.99999)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without a GPU, whose roof needs no look."""
    monkeypatch.setattr(executor, "gpu", lambda: None)
    monkeypatch.setattr(CpuRoof, "look", lambda self: None)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    path = tmp_path / "faces.png"
    cv2.imwrite(str(path), picture(120, 150))
    return [path]


def bench(store: Store, pictures: Sequence[Path], moment: str = "now") -> None:
    steps = stage.plan(store, SETTINGS, pictures, moment)
    store.retain(steps, stage.STAGE)
    store.run_all(steps)


def benched(store: Store) -> dict[tuple[str, str], str]:
    """What is known of the speed of what: the record's key."""
    records = [record for record in store.manifest.records if record.stage == stage.STAGE]
    return {(record.check, record.subject): record.key for record in records}


MEASURED = {
    ("bench.ort", "det.fp32"),
    ("bench.onnx", "det.fp32"),
    ("bench.rtx", "det.fp32"),
    ("bench.ort", "emb.fp32"),
    ("bench.onnx", "emb.fp32"),
    ("bench.rtx", "emb.fp32"),
    ("bench.pipeline", "det+emb"),
}


def test_every_engine_and_the_pipeline_leave_a_file_and_verdicts(tmp_path: Path, pictures: list[Path]) -> None:
    with opened(tmp_path / "store") as store:
        build(store)
        bench(store, pictures)
        assert set(benched(store)) == MEASURED
        for name in ("det.fp32.ort", "det.fp32.onnx", "emb.fp32.ort", "emb.fp32.onnx", "det+emb.pipeline"):
            assert json.loads((store.root / "bench" / f"{name}.json").read_text())["format"] == 1
        verdicts = {(verdict.check, verdict.subject): verdict for verdict in store.manifest.verdicts}
        assert verdicts["bench.rtx.completes", "det.fp32"].status is Status.NOT_RUN
        assert "no CUDA driver" in verdicts["bench.rtx.completes", "det.fp32"].reason
        assert verdicts["bench.pipeline.agrees", "det+emb"].status is Status.PASS
        assert (verdicts["bench.onnx.gain", "emb.fp32"].figure or 0) > 0


def test_every_call_measures_anew(tmp_path: Path, pictures: list[Path]) -> None:
    listener = Remembering()
    with opened(tmp_path / "store", listener) as store:
        build(store, (EMBEDDER,))
        bench(store, pictures, "first")
        before = benched(store)
        listener.computed.clear()
        bench(store, pictures, "second")
        assert listener.computed.count("emb.fp32") == 3
        assert benched(store)["bench.ort", "emb.fp32"] != before["bench.ort", "emb.fp32"]


def test_a_run_that_changes_nothing_keeps_what_was_measured(tmp_path: Path, pictures: list[Path]) -> None:
    with opened(tmp_path / "store") as store:
        build(store)
        bench(store, pictures)
        before = benched(store)
        build(store)
        assert benched(store) == before


def test_what_was_measured_is_forgotten_with_the_artifact(tmp_path: Path, pictures: list[Path]) -> None:
    with opened(tmp_path / "store") as store:
        build(store)
        bench(store, pictures)
        build(store, version=2)
        # Those that nothing here executed say nothing about any artifact, but name it all the same.
        assert benched(store) == {}
        assert not list((store.root / "bench").iterdir())


def test_measurements_of_a_model_that_the_pack_has_lost_are_forgotten(tmp_path: Path, pictures: list[Path]) -> None:
    with opened(tmp_path / "store") as store:
        build(store)
        bench(store, pictures)
        store.describe({DETECTOR: store.manifest.models[DETECTOR]})
        bench(store, pictures, "again")
        assert {subject for _, subject in benched(store)} == {"det.fp32", "models"}


def test_an_interruption_leaves_what_was_measured_before(
    tmp_path: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    with opened(tmp_path / "store") as store:
        build(store)
        bench(store, pictures)
        before = benched(store)
        monkeypatch.setattr(sweep, "take_turns", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench(store, pictures, "again")
        assert benched(store) == before
        assert (store.root / "bench" / "det.fp32.ort.json").exists()
        assert not list(store.root.glob(".work-*"))


def test_a_store_in_which_nothing_is_built_is_told(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as store, pytest.raises(InputError, match="nothing is built here"):
        stage.plan(store, SETTINGS, [], "now")


def test_a_size_that_a_detector_cannot_take_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as store:
        build(store)
        with pytest.raises(InputError, match="no multiple of 32"):
            stage.plan(store, replace(SETTINGS, size=(100, 100)), [], "now")


def test_without_insightface_the_engines_are_measured_and_the_pipeline_is_not_run(
    tmp_path: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from batchproof.bench import pipeline_ratio

    def missing(*given: object, **named: object) -> None:
        raise MissingDependencyError.for_extra("insightface", "validate")

    monkeypatch.setattr(pipeline_ratio, "InsightfaceLoop", missing)
    with opened(tmp_path / "store") as store:
        build(store)
        bench(store, pictures)
        (verdict,) = (one for one in store.manifest.verdicts if one.check.startswith("bench.pipeline"))
        assert (verdict.status, "batchproof[validate]" in verdict.reason) == (Status.NOT_RUN, True)
        assert (store.root / "bench" / "det.fp32.ort.json").exists()


@pytest.mark.parametrize(
    ("models", "lacking"), [((EMBEDDER,), "a detector with landmarks"), ((DETECTOR,), "an ArcFace-like embedder")]
)
def test_a_pack_without_a_pair_says_what_it_lacks(
    tmp_path: Path, pictures: list[Path], models: tuple[str, ...], lacking: str
) -> None:
    with opened(tmp_path / "store") as store:
        build(store, models)
        last = stage.plan(store, SETTINGS, pictures, "now")[-1]
        record = store.run(last)
    (verdict,) = record.verdicts
    assert (verdict.check, verdict.subject, verdict.status) == ("bench.pipeline", "models", Status.NOT_RUN)
    assert lacking in verdict.reason


def test_detectors_go_with_the_first_embedder_and_embedders_with_the_first_detector(tmp_path: Path) -> None:
    roles = {"det_a": DETECTOR, "emb_a": EMBEDDER, "det_b": DETECTOR, "emb_b": EMBEDDER}
    with opened(tmp_path / "store") as store:
        build(store)
        entries = {name: ModelEntry(spec_of(role), "x", "x", "x") for name, role in roles.items()}
        store.describe({**store.manifest.models, **entries})
        steps = [step for step in stage.plan(store, SETTINGS, [], "now") if step.check == "bench.pipeline"]
    assert [step.subject for step in steps] == ["det+emb", "det_a+emb", "det_b+emb", "det+emb_a", "det+emb_b"]
    assert steps[0].parents == (
        layout.exported("det"),
        layout.exported("emb"),
        layout.repaired("det", "fp32"),
        layout.repaired("emb", "fp32"),
    )


def test_an_adaface_is_no_pipeline_of_insightfaces(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as store:
        build(store)
        entries = {"ada": ModelEntry(adaface(), "x", "x", "x"), **store.manifest.models}
        store.describe(entries)
        steps = [step for step in stage.plan(store, SETTINGS, [], "now") if step.check == "bench.pipeline"]
        assert [step.subject for step in steps] == ["det+emb"]
        store.describe({name: entry for name, entry in entries.items() if name != EMBEDDER})
        (verdict,) = store.run(stage.plan(store, SETTINGS, [], "now")[-1]).verdicts
    assert (verdict.status, "no model that is an ArcFace-like embedder" in verdict.reason) == (Status.NOT_RUN, True)


def test_the_pipeline_runs_at_the_size_that_its_detector_was_built_for(tmp_path: Path, pictures: list[Path]) -> None:
    with opened(tmp_path / "store") as store:
        build(store)
        store.run(stage.plan(store, replace(SETTINGS, size=None), pictures, "now")[-1])
        found = json.loads((store.root / "bench" / "det+emb.pipeline.json").read_text())
    assert (found["height"], found["width"]) == (96, 160)


def test_a_model_whose_surgery_failed_has_no_pipeline(tmp_path: Path, pictures: list[Path]) -> None:
    """A pair of which the store lacks a graph is not run, with the store's reason."""
    with opened(tmp_path / "store") as store:
        build(store)
        store.describe({**store.manifest.models, "lost": ModelEntry(spec_of(DETECTOR), "x", "x", "x")})
        step = next(step for step in stage.plan(store, SETTINGS, pictures, "now") if step.subject == "lost+emb")
        record = store.run(Step(**{**vars(step), "action": lambda _: Outcome()}))
    assert "needs export/lost.onnx" in record.verdicts[0].reason
