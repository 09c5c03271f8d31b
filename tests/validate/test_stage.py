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
from tests.validate.tiny_faces import tiny_network

HEADS = {"2d106det": 212, "1k3d68": 3309, "genderage": 3}


@pytest.fixture
def probes(tmp_path: Path) -> dict[str, Step]:
    """The steps that probe a detector and an embedder in FP32, with one picture."""
    detector = OnnxSource(tiny_scrfd.tiny_scrfd(tmp_path / "det.onnx"))
    embedder = OnnxSource(tiny_embedder.tiny_embedder(tmp_path / "rec.onnx"))
    models = (
        PackModel("det", tiny_scrfd.SPEC, detector, "", ""),
        PackModel("rec", tiny_embedder.SPEC, embedder, "", ""),
    )
    return steps(models, "probe", tmp_path)


def steps(models: tuple[PackModel, ...], check: str, folder: Path) -> dict[str, Step]:
    (folder / "images").mkdir()
    cv2.imwrite(str(folder / "images" / "a.png"), tiny_scrfd.picture(128, 160))
    profiles = ProfileChoice((EngineProfiles.parse("1,2@64x96"),))
    settings, pack = Settings(profiles, folder / "images", load_policy()), Pack("tiny", models)
    return {step.subject: step for step in plan(pack, settings) if step.check == check}


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


@pytest.mark.parametrize("keypoints", [True, False])
def test_upright_faces_are_those_of_any_detector(tmp_path: Path, keypoints: bool) -> None:
    det = tiny_scrfd.tiny_scrfd(tmp_path / "det.onnx", keypoints=keypoints)
    detector = tiny_scrfd.SPEC if keypoints else tiny_scrfd.BOXES_ONLY
    networks = {name: tiny_network(tmp_path, values) for name, values in HEADS.items()}
    models = [PackModel(name, one.spec, OnnxSource(one.original), "", "") for name, one in networks.items()]
    embedder = PackModel("rec", tiny_embedder.SPEC, OnnxSource(tmp_path / "rec.onnx"), "", "")
    pack = (*models, embedder, PackModel("det", detector, OnnxSource(det), "", ""))
    parity = steps(pack, "parity", tmp_path)
    for name, network in networks.items():
        step = parity[f"{name}.fp32"]
        assert step.parents == (f"export/{name}.onnx", f"build/ort/{name}.fp32.ort", "export/det.onnx")
        verdicts = step.action(Workspace((network.original, network.repaired, det), step.sources, ())).verdicts
        assert len(verdicts) == (2 if name == "2d106det" else 3)
        assert all(verdicts)
        assert "faces that insightface finds in the 1 pictures" in verdicts[0].reason
    assert ("export/det.onnx" in parity["rec.fp32"].parents) == keypoints, "only landmarks align a face"
    assert parity["det.fp32"].parents == ("export/det.onnx", "build/ort/det.fp32.ort")


def test_an_upright_network_is_probed_without_a_detector(tmp_path: Path) -> None:
    network, det = tiny_network(tmp_path, 3), tiny_scrfd.tiny_scrfd(tmp_path / "det.onnx")
    models = (
        PackModel("det", tiny_scrfd.SPEC, OnnxSource(det), "", ""),
        PackModel("genderage", network.spec, OnnxSource(network.original), "", ""),
    )
    assert "export/det.onnx" not in steps(models, "probe", tmp_path)["genderage.fp32"].parents
