from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face_app import main
from face_error import FaceAppError
from gallery import Gallery
from tests.deploy.deepstream.align.native import BUNDLE
from tests.deploy.deepstream.app.bundles import MODEL
from tests.deploy.deepstream.app.conftest import Play
from tests.deploy.deepstream.app.service_maker_stand_in import BatchMetadata, Face, Frame, Pipeline

HERE = Path(__file__).parent


def unit(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def two_frames(_: Pipeline) -> Iterator[BatchMetadata]:
    for number in range(2):
        faces = [Face((10 * i, 5, 8, 9), object_id=i, embedding=5 * unit(i)) for i in range(2)]
        yield BatchMetadata(Frame([*faces, Face((50, 5, 8, 9), object_id=2)], frame_number=number))


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.npz"
    embeddings = np.stack([unit(0.1), unit(1), unit(2)])
    Gallery(("Ada", "Emmy", "Grace"), embeddings, MODEL, "").write(path)
    return path


def lines(bundle: Path, *arguments: object, status: int = 0) -> list[dict[str, Any]]:
    output = bundle / "faces.jsonl"
    given = ["file:///video.mp4", "--headless", "--bundle", bundle, "--output", output, *arguments]
    assert main([str(argument) for argument in given]) == status
    return [json.loads(line) for line in output.read_text().splitlines()]


def test_every_face_of_every_frame_is_a_line(bundle: Path, play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    play(two_frames)
    found = lines(bundle)
    assert [(line["frame"], line["track"]) for line in found] == [(f, t) for f in range(2) for t in range(3)]
    assert all("embedding" not in line and line["matches"] is None for line in found)
    assert capsys.readouterr().err == "face_app: 2 frames, 6 faces, 4 embeddings\n"


def test_embeddings_are_written_when_wanted(bundle: Path, play: Play) -> None:
    play(two_frames)
    first, second, third, *_ = lines(bundle, "--embeddings")
    np.testing.assert_allclose(first["embedding"], unit(0), atol=1e-7)
    np.testing.assert_allclose(second["embedding"], unit(1), atol=1e-7)
    assert third["embedding"] is None


def test_faces_are_named(bundle: Path, play: Play, people: Path) -> None:
    play(two_frames)
    first, second, third, *_ = lines(bundle, "--gallery", people, "--top-k", 2, "--threshold", 0.5)
    assert [match["name"] for match in first["matches"]] == ["Ada", "Emmy"]
    assert first["matches"][0]["cosine"] == pytest.approx(np.cos(0.1), abs=1e-6)
    assert [match["name"] for match in second["matches"]] == ["Emmy", "Ada"]
    assert third["matches"] is None


def test_one_name_is_enough_unless_more_are_wanted(bundle: Path, play: Play, people: Path) -> None:
    play(two_frames)
    first, *_ = lines(bundle, "--gallery", people)
    assert [match["name"] for match in first["matches"]] == ["Ada"]


def test_a_strict_threshold_names_nobody(bundle: Path, play: Play, people: Path) -> None:
    play(two_frames)
    first, second, *_ = lines(bundle, "--gallery", people, "--threshold", 0.9999)
    assert first["matches"] == []
    assert [match["name"] for match in second["matches"]] == ["Emmy"]


def test_a_gallery_of_another_embedder_is_refused_before_anything_runs(
    bundle: Path, play: Play, tmp_path: Path
) -> None:
    pipelines = play(two_frames)
    Gallery(("Ada",), unit(0)[None], "a" * 64, "").write(tmp_path / "other.npz")
    with pytest.raises(FaceAppError, match="enrol the people again"):
        main(["file:///v.mp4", "--bundle", str(bundle), "--gallery", str(tmp_path / "other.npz")])
    assert not pipelines


def test_it_ends_after_the_frames_that_are_wanted(bundle: Path, play: Play) -> None:
    play(two_frames)
    assert {line["frame"] for line in lines(bundle, "--max-frames", 1)} == {0}


def test_files_and_uris_are_sources_in_order(bundle: Path, play: Play, tmp_path: Path) -> None:
    pipelines = play(two_frames)
    video = tmp_path / "a video.mp4"
    video.touch()
    lines(bundle, video, "rtsp://camera/1", "--size", "640x360")
    assert pipelines[0].uris() == ["file:///video.mp4", video.as_uri(), "rtsp://camera/1"]
    mux = pipelines[0].elements["mux"][1]
    assert (mux["width"], mux["height"], mux["live-source"]) == (640, 360, True)


def test_a_source_that_is_not_there_is_told(bundle: Path) -> None:
    with pytest.raises(FaceAppError, match=r"nowhere\.mp4 is no file, and no URI"):
        main(["nowhere.mp4", "--bundle", str(bundle)])


def test_more_sources_than_the_bundle_is_for_are_refused(bundle: Path) -> None:
    with pytest.raises(FaceAppError, match="5 sources, and this bundle is for 4: emit one with --streams 5"):
        main([*["file:///v.mp4"] * 5, "--bundle", str(bundle)])


def test_an_output_that_cannot_be_written_is_told(bundle: Path) -> None:
    with pytest.raises(FaceAppError, match="cannot be written: Is a directory"):
        main(["file:///v.mp4", "--bundle", str(bundle), "--output", str(bundle)])


def test_no_frame_is_a_failure(bundle: Path, play: Play) -> None:
    play(lambda _: [])
    with pytest.raises(FaceAppError, match="no source gave a frame") as caught:
        main(["file:///v.mp4", "--bundle", str(bundle), "--headless", "--output", str(bundle / "o")])
    assert caught.value.status == 1


def test_an_engine_that_gives_nan_is_a_failure(bundle: Path, play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    play(lambda _: [BatchMetadata(Frame([Face(embedding=np.full(2, np.nan, np.float32))]))])
    lines(bundle, status=1)
    assert "1 broken: zero or not finite" in capsys.readouterr().err


def test_a_window_shows_names(bundle: Path, play: Play, people: Path) -> None:
    frame = Frame([Face(embedding=unit(1))])
    play(lambda _: [BatchMetadata(frame)])
    main(["file:///v.mp4", "--bundle", str(bundle), "--output", str(bundle / "o"), "--gallery", str(people)])
    assert [text.display_text for display in frame.displayed for text in display.texts] == [b"Emmy 1.00"]


def process(bundle: Path, *arguments: str, script: str = "face_app.py") -> subprocess.CompletedProcess[str]:
    """Run a script as users do, with the stand-in where they have pyservicemaker."""
    paths = os.pathsep.join([str(HERE / "as_package"), str(HERE.parents[3])])
    command: Sequence[str] = [sys.executable, str(BUNDLE / "app" / script), *arguments]
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=bundle)


def test_stdout_has_the_lines_alone_though_the_pipeline_prints_there(bundle: Path) -> None:
    done = process(bundle, "file:///v.mp4", "--headless", "--bundle", ".")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["frame"] for line in done.stdout.splitlines()] == [0, 1, 2]
    assert "Add Element ... mux" in done.stderr
    assert done.stderr.endswith("face_app: 3 frames, 3 faces, 0 embeddings\n")


def test_an_error_is_one_line_and_a_status(bundle: Path) -> None:
    done = process(bundle, "no\nvideo.mp4", "--bundle", ".")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "face_app: error: no?video.mp4 is no file, and no URI\n"


@pytest.mark.parametrize("script", ["face_app.py", "enroll.py"])
def test_the_help_teaches(bundle: Path, script: str) -> None:
    done = process(bundle, "--help", script=script)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Exit status" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
