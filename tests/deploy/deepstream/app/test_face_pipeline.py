from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import face_pipeline
from emitted_bundle import TRACKER_LIBRARY, EmittedBundle
from face_error import FaceAppError
from face_pipeline import Layout, run
from tests.deploy.deepstream.app.conftest import Play
from tests.deploy.deepstream.app.service_maker_stand_in import BatchMetadata, Frame, Pipeline

URIS = ("file:///a.mp4", "rtsp://camera", "file:///c.mp4")


def three(_: Pipeline) -> Iterator[BatchMetadata]:
    for number in range(3):
        yield BatchMetadata(Frame(frame_number=number))


def taking(numbers: list[int], enough: int = 99) -> Any:
    def take(batch: BatchMetadata) -> bool:
        numbers.extend(frame.frame_number for frame in batch.frame_items)
        return len(numbers) < enough

    return take


def layout(**changes: Any) -> Layout:
    return Layout(**{"uris": URIS, "width": 1280, "height": 720, **changes})


def test_the_pipeline_is_the_bundles(bundle: Path, play: Play) -> None:
    pipelines, numbers = play(three), list[int]()
    run(EmittedBundle.read(bundle), layout(), taking(numbers), patience=9)
    (pipeline,) = pipelines
    assert numbers == [0, 1, 2]
    assert pipeline.chain() == ["nvstreammux", "nvinfer", "nvtracker", "nvdspreprocess", "nvinfer", "fakesink"]
    assert pipeline.uris() == list(URIS)
    assert pipeline.probe is not None
    assert pipeline.probe[0] == "embedder"
    properties = {name: values for name, (_, values) in pipeline.elements.items()}
    configs = bundle / "configs"
    assert properties["detector"] == {"config-file-path": str(configs / "pgie_scrfd.txt")}
    assert properties["crops"] == {"config-file": str(configs / "preprocess_align_arcface.txt")}
    assert properties["embedder"] == {"config-file-path": str(configs / "sgie_arcface.txt")}
    assert properties["tracker"]["ll-config-file"] == str(configs / "tracker.yml")
    assert properties["tracker"]["ll-lib-file"] == TRACKER_LIBRARY
    mux = properties["mux"]
    assert (mux["batch-size"], mux["width"], mux["height"], mux["live-source"]) == (3, 1280, 720, False)
    assert mux["nvbuf-memory-type"] == 2


def test_a_window_shows_no_masks(bundle: Path, play: Play) -> None:
    pipelines = play(three)
    run(EmittedBundle.read(bundle), layout(shown=True, live=True), taking([]), patience=9)
    (pipeline,) = pipelines
    assert pipeline.chain()[-4:-1] == ["nvmultistreamtiler", "nvvideoconvert", "nvdsosd"]
    assert pipeline.elements["osd"][1] == {"display-mask": False}
    assert pipeline.elements["sink"][1] == {"sync": False}
    assert pipeline.elements["mux"][1]["live-source"] is True


def test_faces_need_not_be_tracked(bundle: Path, play: Play) -> None:
    pipelines = play(three)
    run(EmittedBundle.read(bundle), layout(tracked=False), taking([]), patience=9)
    assert "nvtracker" not in pipelines[0].chain()


def test_whoever_has_enough_stops_the_pipeline(bundle: Path, play: Play) -> None:
    def endless(pipeline: Pipeline) -> Iterator[BatchMetadata]:
        number = 0
        while not pipeline.stopped.wait(0.01):
            yield BatchMetadata(Frame(frame_number=number))
            number += 1

    pipelines, numbers = play(endless), list[int]()
    run(EmittedBundle.read(bundle), layout(), taking(numbers, enough=2), patience=9)
    assert numbers == [0, 1]
    assert pipelines[0].stopped.is_set()


@pytest.mark.parametrize(
    ("error", "said"), [(FaceAppError("no such output", 1), "no such output"), (KeyError("x"), "KeyError: 'x'")]
)
def test_an_error_does_not_leave_the_probe(bundle: Path, play: Play, error: Exception, said: str) -> None:
    def fail(batch: BatchMetadata) -> bool:
        raise error

    play(three)
    with pytest.raises(FaceAppError, match=said) as caught:
        run(EmittedBundle.read(bundle), layout(), fail, patience=9)
    assert caught.value.status == 1


def test_a_silent_pipeline_is_given_up(bundle: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the pipeline, such as a source that is not there: pyservicemaker waits for ever."""
    forever = threading.Event()

    def hang(_: Pipeline) -> Iterator[BatchMetadata]:
        forever.wait()
        yield BatchMetadata()

    monkeypatch.setattr(face_pipeline, "_TICK", 0.01)
    play(hang)
    with pytest.raises(FaceAppError, match=r"no frame for 0\.05 seconds") as caught:
        run(EmittedBundle.read(bundle), layout(), taking([]), patience=0.05)
    assert caught.value.status == 1
    forever.set()


def test_a_pipeline_that_cannot_start_is_told(bundle: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Pipeline) -> None:
        raise RuntimeError("no GPU")

    play(three)
    monkeypatch.setattr(Pipeline, "start", refuse)
    with pytest.raises(FaceAppError, match="the pipeline failed: no GPU"):
        run(EmittedBundle.read(bundle), layout(), taking([]), patience=9)


def test_a_missing_element_is_told(bundle: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play(three)
    monkeypatch.setattr("tests.deploy.deepstream.app.service_maker_stand_in.ELEMENTS", ("nvstreammux",))
    with pytest.raises(FaceAppError, match="cannot be built: Element creation failed"):
        run(EmittedBundle.read(bundle), layout(), taking([]), patience=9)


def test_without_pyservicemaker_it_says_where_to_run(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyservicemaker", None)
    with pytest.raises(FaceAppError, match=r"container of DeepStream 7\.1 or later"):
        run(EmittedBundle.read(bundle), layout(), taking([]), patience=9)


def test_a_bundle_that_is_not_built_is_not_run(bundle: Path, play: Play) -> None:
    pipelines = play(three)
    (bundle / "build" / "libbatchproof_scrfd_parser.so").unlink()
    with pytest.raises(FaceAppError, match="run `sh run"):
        run(EmittedBundle.read(bundle), layout(), taking([]), patience=9)
    assert not pipelines
