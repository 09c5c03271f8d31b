from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchproof.artifacts.step import Step, Workspace
from batchproof.pipeline.opencv import cv2
from batchproof.policy import load_policy
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import Settings
from batchproof.validate import isolation
from batchproof.validate.probe_file import read
from batchproof.validate.stage import plan
from batchproof.zoo.pack import OnnxSource, Pack, PackModel
from tests.pipeline import tiny_scrfd
from tests.validate import tiny_embedder


@pytest.fixture
def probes(tmp_path: Path) -> dict[str, Step]:
    """The steps that probe a detector and an embedder in FP32, with one picture."""
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), tiny_scrfd.picture(128, 160))
    detector = OnnxSource(tiny_scrfd.tiny_scrfd(tmp_path / "det.onnx"))
    embedder = OnnxSource(tiny_embedder.tiny_embedder(tmp_path / "rec.onnx"))
    models = (
        PackModel("det", tiny_scrfd.SPEC, detector, "", ""),
        PackModel("rec", tiny_embedder.SPEC, embedder, "", ""),
    )
    profiles = ProfileChoice((EngineProfiles.parse("1,2@64x96"),))
    settings, pack = Settings(profiles, tmp_path / "images", load_policy()), Pack("tiny", models)
    return {step.subject: step for step in plan(pack, settings) if step.check == "probe"}


def test_the_probe_writes_what_it_measured(probes: dict[str, Step], tmp_path: Path) -> None:
    step = probes["det.fp32"]
    assert step.produces == ("validate/det.fp32.probe.json",)
    model, output = tmp_path / "det.onnx", tmp_path / "probe.json"
    outcome = step.action(Workspace((model, model), step.sources, (output,)))
    probed = read(output)
    assert probed.subject == "det.fp32"
    assert {result.label for result in probed.results} == {"session", "unoptimised"}
    measured = {f"probe.contamination.{result.scene}": result.contamination.amount for result in probed.results}
    judged = {verdict.check: verdict.figure for verdict in outcome.verdicts}
    assert measured.items() <= judged.items()
    assert all(outcome.verdicts)


def test_an_embedder_is_probed_with_the_faces_that_the_detector_finds(
    probes: dict[str, Step], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = probes["rec.fp32"]
    assert step.parents[-1] == "export/det.onnx"
    seen: list[tuple[int, ...]] = []

    def look(*arguments: object) -> list[object]:
        pictures = arguments[3]
        assert isinstance(pictures, list)
        seen.extend(np.shape(picture) for picture in pictures)
        return []

    monkeypatch.setattr(isolation, "probe_model", look)
    rec, det = tmp_path / "rec.onnx", tmp_path / "det.onnx"
    step.action(Workspace((rec, rec, det), step.sources, (tmp_path / "probe.json",)))
    assert len(seen) > 2
    assert set(seen) == {(112, 112, 3)}
