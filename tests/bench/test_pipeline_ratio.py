from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from batchproof.bench import face_analysis, pipeline_ratio
from batchproof.bench.face_analysis import InsightfaceLoop
from batchproof.bench.pipeline_file import EVERYTHING, PipelineFile
from batchproof.bench.pipeline_ratio import Contestant, measure, smallest_cosine
from batchproof.bench.pipeline_stages import STAGES
from batchproof.bench.settings import BenchSettings
from batchproof.bench.turns import take_turns
from batchproof.errors import InputError, StepFailedError, StepNotRunError
from batchproof.pipeline.decode import Detections
from batchproof.pipeline.face_pipeline import Faces
from batchproof.pipeline.pictures import Picture
from batchproof.runtime import OnnxRuntimeRunner, thread_options
from tests.bench.stores import DETECTOR, EMBEDDER, spec_of
from tests.pipeline.tiny_scrfd import picture, tiny_scrfd
from tests.validate.tiny_embedder import tiny_embedder

SETTINGS = BenchSettings(batches=(1,), rounds=2, threads=1, size=(96, 160), min_cosine=0.99999)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Contestant, Contestant]:
    folder = tmp_path_factory.mktemp("models")
    detector, embedder = tiny_scrfd(folder / "one.onnx"), tiny_embedder(folder / "two.onnx")
    return (
        Contestant(DETECTOR, detector, detector, spec_of(DETECTOR)),
        Contestant(EMBEDDER, embedder, embedder, spec_of(EMBEDDER)),
    )


@pytest.fixture(scope="module")
def measured(pair: tuple[Contestant, Contestant]) -> PipelineFile:
    pictures = [Picture("black.png", np.zeros((96, 160, 3), np.uint8)), Picture("faces.png", picture(120, 150))]
    return measure(*pair, pictures, SETTINGS)


def test_every_picture_is_compared_alone_and_all_in_one_call(measured: PipelineFile) -> None:
    assert [one.name for one in measured.compared] == ["black.png", "faces.png", EVERYTHING]
    assert measured.everything.faces == sum(one.faces for one in measured.compared[:-1]) > 0
    assert {one.repetitions for one in measured.compared} == {2}
    assert (measured.height, measured.width, measured.threads) == (96, 160, 1)


def test_all_contenders_have_the_same_threads_and_a_pause_before_their_turn(
    pair: tuple[Contestant, Contestant], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs: list[tuple[int | None, bool]] = []
    ours: list[int | None] = []
    pauses: list[float] = []

    def options(threads: int | None, *, spin: bool) -> Any:
        theirs.append((threads, spin))
        return thread_options(threads, spin=spin)

    def opened(model: Path, threads: int | None = None) -> OnnxRuntimeRunner:
        ours.append(threads)
        return OnnxRuntimeRunner(model, threads=threads)

    def turns(works: Any, counts: Any, pause: float = 0.0) -> Any:
        pauses.append(pause)
        return take_turns(works, counts, pause)

    monkeypatch.setattr(face_analysis, "thread_options", options)
    monkeypatch.setattr(pipeline_ratio, "OnnxRuntimeRunner", opened)
    monkeypatch.setattr(pipeline_ratio, "take_turns", turns)
    measure(*pair, [Picture("faces.png", picture(120, 150))], replace(SETTINGS, rounds=1))
    assert theirs == [(1, True), (1, False)]
    assert ours == [1, 1]
    assert min(pauses) > 0


def test_the_answers_are_insightfaces(measured: PipelineFile) -> None:
    for one in measured.compared:
        assert one.faces == one.expected_faces
        assert one.cosine is None or one.cosine > 0.99999
    assert measured.everything.cosine is not None


def test_stages_are_those_of_the_picture_with_most_faces(measured: PipelineFile) -> None:
    richest = max(measured.compared[:-1], key=lambda one: one.faces)
    assert measured.stages_of == richest.name
    assert tuple(stage.name for stage in measured.stages) == STAGES
    assert all(stage.best_ms > 0 for stage in measured.stages)


def test_another_embedder_is_noticed(pair: tuple[Contestant, Contestant], tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    detector, embedder = pair
    model = onnx.load(embedder.original)
    weight = model.graph.initializer[0]
    weight.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weight), weight.name))
    onnx.save(model, tmp_path / "other.onnx")
    other = Contestant(EMBEDDER, embedder.original, tmp_path / "other.onnx", embedder.spec)
    found = measure(detector, other, [Picture("faces.png", picture(120, 150))], SETTINGS)
    assert found.everything.cosine == pytest.approx(-1)


def test_another_detector_is_noticed(pair: tuple[Contestant, Contestant], tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    detector, embedder = pair
    model = onnx.load(detector.original)
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "score_8_b")
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) - 50, bias.name))
    onnx.save(model, tmp_path / "other.onnx")
    other = Contestant(DETECTOR, detector.original, tmp_path / "other.onnx", detector.spec)
    found = measure(other, embedder, [Picture("faces.png", picture(120, 150))], SETTINGS).everything
    assert found.faces < found.expected_faces
    assert found.cosine is None


def test_a_picture_that_leaves_no_pixel_is_named(pair: tuple[Contestant, Contestant]) -> None:
    thin = Picture("thin.png", np.zeros((2, 5000, 3), np.uint8))
    with pytest.raises(InputError, match=r"thin\.png: a picture of 5000x2 pixels leaves nothing"):
        measure(*pair, [thin], SETTINGS)


def test_what_insightface_raises_about_a_picture_is_one_sentence(pair: tuple[Contestant, Contestant]) -> None:
    loop = InsightfaceLoop(pair[0].original, pair[1].original, (96, 160), 1, spin=False)
    with pytest.raises(StepFailedError, match=r"insightface's loop fails \(.+\)\.$"):
        loop.run([np.zeros((2, 5000, 3), np.uint8)])


def test_two_embedders_are_nothing_that_insightface_takes(pair: tuple[Contestant, Contestant]) -> None:
    embedder = pair[1].original
    with pytest.raises(StepNotRunError, match="insightface does not take these models"):
        InsightfaceLoop(embedder, embedder, (96, 160), 1, spin=False)


def test_two_detectors_are_no_pair_either(pair: tuple[Contestant, Contestant]) -> None:
    detector = pair[0].original
    with pytest.raises(StepNotRunError, match="does not take the embedder"):
        InsightfaceLoop(detector, detector, (96, 160), 1, spin=False)


def faces(*embeddings: tuple[float, float]) -> Faces:
    count = len(embeddings)
    found = Detections(np.zeros((count, 4), np.float32), np.zeros(count, np.float32), None)
    return Faces(found, embeddings=np.array(embeddings, np.float32).reshape(count, 2))


def theirs(*embeddings: tuple[float, float]) -> list[SimpleNamespace]:
    return [SimpleNamespace(normed_embedding=np.array(embedding, np.float32)) for embedding in embeddings]


def test_the_smallest_cosine_is_over_all_faces_in_their_order() -> None:
    found = [faces((2, 0)), faces((0, 3), (1, 1))]
    expected = [theirs((1, 0)), theirs((0, 1), (1, 0))]
    assert smallest_cosine(found, expected) == pytest.approx(0.5**0.5)


def test_faces_that_are_not_as_many_in_one_picture_have_no_cosine() -> None:
    assert smallest_cosine([faces((1, 0)), faces()], [theirs(), theirs((1, 0))]) is None
    assert smallest_cosine([faces()], [theirs()]) is None
