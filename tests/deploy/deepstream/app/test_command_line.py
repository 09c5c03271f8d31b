from __future__ import annotations

from pathlib import Path

import pytest

from command_line import enroll_parser, face_app_parser, uri
from face_error import FaceAppError
from tests.deploy.deepstream.align.native import BUNDLE

DOCUMENT = "What it does.\n\nAnd more."


def test_what_is_not_said_has_a_default() -> None:
    options = face_app_parser("face_app", DOCUMENT).parse_args(["a.mp4", "b.mp4"])
    assert options.sources == ["a.mp4", "b.mp4"]
    assert (options.top_k, options.threshold, options.size, options.max_frames) == (1, 0.5, (1920, 1080), 0)
    assert (options.gallery, options.output, options.headless, options.embeddings) == (None, None, False, False)
    assert options.bundle == BUNDLE


def test_enrolment_needs_a_folder_and_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    parser = enroll_parser("enroll", DOCUMENT)
    options = parser.parse_args(["people", "-o", "gallery.npz", "--largest"])
    assert (options.people, options.output, options.largest) == (Path("people"), Path("gallery.npz"), True)
    with pytest.raises(SystemExit):
        parser.parse_args(["people"])
    assert "-o/--output" in capsys.readouterr().err


def test_files_become_uris_and_uris_stay(tmp_path: Path) -> None:
    video = tmp_path / "a video.mp4"
    video.touch()
    assert uri(str(video)) == video.as_uri()
    assert uri("rtsp://camera/1?x=2") == "rtsp://camera/1?x=2"
    with pytest.raises(FaceAppError, match="is no file, and no URI"):
        uri(str(tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [
        *(["--top-k", "0"], ["--threshold", "2"], ["--threshold", "nan"], ["--patience", "0"], ["--max-frames", "-1"]),
        *(["--size", "641x480"], ["--size", "0x0"], ["--size", "big"], ["--unknown"], []),
    ],
)
def test_arguments_that_cannot_be_are_refused(wrong: list[str]) -> None:
    sources = ["file:///v.mp4"] if wrong else []
    with pytest.raises(SystemExit) as caught:
        face_app_parser("face_app", DOCUMENT).parse_args([*sources, *wrong])
    assert caught.value.code == 2
