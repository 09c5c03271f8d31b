from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline_run
from emitted_bundle import EmittedBundle
from face_error import FaceAppError
from pipeline_run import run
from tests.deploy.deepstream.app.conftest import Play
from tests.deploy.deepstream.app.playing import layout, taking, three
from tests.deploy.deepstream.app.service_maker_stand_in import BatchMetadata, Frame, Pipeline


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
        forever.wait(5)
        yield BatchMetadata()

    monkeypatch.setattr(pipeline_run, "_TICK", 0.01)
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
    with pytest.raises(FaceAppError, match="nvinfer cannot be made: Element creation failed"):
        run(EmittedBundle.read(bundle), layout(), taking([]), patience=9)


def test_elements_that_cannot_be_linked_are_told(bundle: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Pipeline, *names: object) -> None:
        raise RuntimeError("Elements linking failed")

    play(three)
    monkeypatch.setattr(Pipeline, "link", refuse)
    with pytest.raises(FaceAppError, match="cannot be built: Elements linking failed"):
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
