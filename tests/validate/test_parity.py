from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from batchproof.errors import InputError, StepFailedError
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.pictures import Picture
from batchproof.policy import load_policy
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs
from batchproof.validate.oracle import OracleDetector, OracleEmbedder
from batchproof.validate.parity import ParitySettings, detector_parity, embedder_parity
from batchproof.verdict import Status, Verdict
from tests.pipeline.tiny_scrfd import SPEC, picture, tiny_scrfd
from tests.validate.tiny_embedder import SPEC as EMBEDDER
from tests.validate.tiny_embedder import tiny_embedder

PICTURES = [Picture(f"{seed}.png", picture(60 + seed * 17, 96, seed)) for seed in range(5)]
CROPS = [Picture(f"face {seed}", picture(112, 112, seed)) for seed in range(5)]
SETTINGS = ParitySettings("model", load_policy().fp32, 5, DetectionSettings(height=64, width=96))


class Altered:
    """A model whose outputs are changed on the way out; remembers the sizes of its batches."""

    name = "altered"

    def __init__(self, model: Path, change: Callable[[Outputs], Outputs] = lambda outputs: outputs) -> None:
        self.inner, self.change = OnnxRuntimeRunner(model), change
        self.batches: list[int] = []

    def infer(self, images: Blob) -> Outputs:
        self.batches.append(len(images))
        return self.change(self.inner.infer(images))


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_scrfd(tmp_path_factory.mktemp("tiny") / "detector.onnx")


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_embedder(tmp_path_factory.mktemp("tiny") / "embedder.onnx")


def detected(model: Path, runner: Altered, settings: ParitySettings = SETTINGS) -> dict[str, Verdict]:
    found = detector_parity(OracleDetector(model, SPEC), runner, SPEC, PICTURES, settings)
    return {verdict.check: verdict for verdict in found}


def embedded(model: Path, runner: Altered, settings: ParitySettings = SETTINGS) -> dict[str, Verdict]:
    found = embedder_parity(OracleEmbedder(model), runner, EMBEDDER, CROPS, settings)
    return {verdict.check: verdict for verdict in found}


def failed(verdicts: dict[str, Verdict]) -> set[str]:
    assert {verdict.subject for verdict in verdicts.values()} == {"model"}
    return {check for check, verdict in verdicts.items() if verdict.status is not Status.PASS}


def test_a_faithful_detector_passes_in_one_batch(detector: Path) -> None:
    runner = Altered(detector)
    verdicts = detected(detector, runner)
    assert failed(verdicts) == set()
    assert runner.batches == [5]
    assert set(verdicts) == {
        f"parity.{check}"
        for check in ("raw_score", "raw_bbox", "raw_kps", "faces", "box_shift", "landmark_shift", "score_shift")
    }


def test_pictures_are_repeated_to_fill_a_batch_of_the_profile(detector: Path, embedder: Path) -> None:
    full = ParitySettings("model", SETTINGS.limits, 16, SETTINGS.detection)
    detections, embeddings = Altered(detector), Altered(embedder)
    assert failed(detected(detector, detections, full)) == failed(embedded(embedder, embeddings, full)) == set()
    assert detections.batches == embeddings.batches == [16]


def test_batches_beyond_the_profile_are_cut(detector: Path, embedder: Path) -> None:
    small = ParitySettings("model", SETTINGS.limits, 2, SETTINGS.detection)
    detections, embeddings = Altered(detector), Altered(embedder)
    assert failed(detected(detector, detections, small)) == set()
    assert failed(embedded(embedder, embeddings, small)) == set()
    assert detections.batches == embeddings.batches == [2, 2, 2]


def test_a_bent_box_is_seen_raw_and_in_the_picture(detector: Path) -> None:
    def bend(outputs: Outputs) -> Outputs:
        return {**outputs, "bbox_32": outputs["bbox_32"] + np.float32(0.01)}

    assert failed(detected(detector, Altered(detector, bend))) == {"parity.raw_bbox", "parity.box_shift"}


def test_bent_landmarks_are_seen(detector: Path) -> None:
    def bend(outputs: Outputs) -> Outputs:
        return {**outputs, "kps_32": outputs["kps_32"] * np.float32(1.01)}

    assert failed(detected(detector, Altered(detector, bend))) == {"parity.raw_kps", "parity.landmark_shift"}


def test_rows_in_the_wrong_order_lose_faces(detector: Path) -> None:
    verdicts = detected(detector, Altered(detector, lambda outputs: {n: a[::-1] for n, a in outputs.items()}))
    assert {"parity.raw_score", "parity.raw_bbox", "parity.faces"} <= failed(verdicts)
    assert verdicts["parity.faces"].witness != "2.png", "the middle one of five stays where it is"


def test_outputs_that_cannot_be_decoded_fail_with_their_reason(detector: Path, embedder: Path) -> None:
    def interleave(outputs: Outputs) -> Outputs:
        return {name: array.reshape(-1, array.shape[-1]) for name, array in outputs.items()}

    (verdict,) = detected(detector, Altered(detector, interleave)).values()
    assert verdict.status is Status.FAIL
    assert verdict.reason == "output 'score_8' has shape [960, 1], expected [5, 192, 1]"
    (verdict,) = embedded(
        embedder, Altered(embedder, lambda outputs: {"embedding": outputs["embedding"].ravel()})
    ).values()
    assert verdict.reason == "output 'embedding' has shape [40], expected [5, 8]"


def test_scores_that_are_no_numbers_fail(detector: Path) -> None:
    def poison(outputs: Outputs) -> Outputs:
        outputs["score_16"][3, 0] = np.nan
        return outputs

    (verdict,) = detected(detector, Altered(detector, poison)).values()
    assert "output 'score_16' is NaN or infinite for picture 3" in verdict.reason


def test_a_model_that_refuses_the_batch_fails(detector: Path) -> None:
    def refuse(outputs: Outputs) -> Outputs:
        raise StepFailedError("cannot run this")

    (verdict,) = detected(detector, Altered(detector, refuse)).values()
    assert (verdict.check, verdict.status, verdict.reason) == ("parity.outputs", Status.FAIL, "cannot run this")


def test_no_face_anywhere_is_not_a_pass(detector: Path) -> None:
    blind = ParitySettings("model", SETTINGS.limits, 32, DetectionSettings(height=64, width=96, threshold=1.0))
    verdicts = detected(detector, Altered(detector), blind)
    assert verdicts["parity.raw_score"].status is Status.PASS
    assert verdicts["parity.faces"].status is Status.NOT_RUN


def test_a_face_at_the_threshold_may_go_either_way(detector: Path) -> None:
    faces = OracleDetector(detector, SPEC).observe(PICTURES[0].pixels, SETTINGS.detection).detections
    edge = DetectionSettings(height=64, width=96, threshold=float(faces.scores[-1]))

    def lower(by: float) -> Altered:
        scores = [output.name for output in SPEC.outputs if output.kind == "score"]
        return Altered(detector, lambda outputs: {**outputs, **{n: outputs[n] - np.float32(by) for n in scores}})

    at_the_edge = ParitySettings("model", SETTINGS.limits, 32, edge)
    assert failed(detected(detector, lower(5e-6), at_the_edge)) == set()
    assert "parity.faces" in failed(detected(detector, lower(1e-2), at_the_edge))


def test_an_original_of_fixed_size_decides_the_size(detector: Path, tmp_path: Path) -> None:
    model = onnx.load(detector)
    for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, 64, 96), strict=True):
        dim.dim_value = size
    onnx.save(model, tmp_path / "static.onnx")
    large = ParitySettings("model", SETTINGS.limits, 32, DetectionSettings(height=128, width=128))
    oracle = OracleDetector(tmp_path / "static.onnx", SPEC)
    verdicts = detector_parity(oracle, Altered(detector), SPEC, PICTURES, large)
    assert {verdict.status for verdict in verdicts} == {Status.PASS}


def test_a_faithful_embedder_passes(embedder: Path) -> None:
    runner = Altered(embedder)
    verdicts = embedded(embedder, runner)
    assert failed(verdicts) == set()
    assert set(verdicts) == {"parity.embedding_cosine", "parity.embedding_max_abs"}
    assert runner.batches == [5]


def test_a_turned_embedding_is_found_and_named(embedder: Path) -> None:
    def turn(outputs: Outputs) -> Outputs:
        rows = outputs["embedding"].copy()
        rows[3] = np.roll(rows[3], 1)
        return {"embedding": rows}

    verdicts = embedded(embedder, Altered(embedder, turn))
    assert failed(verdicts) == set(verdicts)
    assert {verdict.witness for verdict in verdicts.values()} == {"face 3"}


def test_a_scaled_embedding_keeps_its_cosine_only(embedder: Path) -> None:
    verdicts = embedded(embedder, Altered(embedder, lambda outputs: {"embedding": outputs["embedding"] * 2}))
    assert failed(verdicts) == {"parity.embedding_max_abs"}


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_embedding_without_direction_fails(embedder: Path, value: float) -> None:
    verdicts = embedded(
        embedder, Altered(embedder, lambda outputs: {"embedding": outputs["embedding"] * np.float32(value)})
    )
    assert failed(verdicts) == set(verdicts)


def test_crops_of_another_size_are_refused(embedder: Path) -> None:
    crops = [Picture("small", picture(64, 64))]
    with pytest.raises(InputError, match="expected 112x112"):
        embedder_parity(OracleEmbedder(embedder), Altered(embedder), EMBEDDER, crops, SETTINGS)
