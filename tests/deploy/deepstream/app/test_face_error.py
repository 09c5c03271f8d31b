from __future__ import annotations

import pytest

from face_error import FAILED, FaceAppError, ended, printable


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (FaceAppError("no\nfile"), 2, "program: error: no?file\n"),
        (FaceAppError("no frame", FAILED), 1, "program: error: no frame\n"),
        (BrokenPipeError(), 1, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_a_line_and_a_status(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> int:
        raise error

    assert ended("program", main) == status
    assert capsys.readouterr().err == said


def test_without_an_error_the_status_is_that_of_the_program() -> None:
    assert [ended("program", lambda status=status: status) for status in (0, 1)] == [0, 1]  # type: ignore[misc]


def test_letters_stay_and_what_steers_terminals_does_not() -> None:
    assert printable("L\u00f6w \u738b\x1b[2J\u202e") == "L\u00f6w \u738b?[2J?"
