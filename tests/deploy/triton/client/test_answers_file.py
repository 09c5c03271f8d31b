from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchproof.deploy.triton.client.answers_file import opened_answers
from batchproof.errors import InputError, StoreError


def answer(picture: str, embeddings: str = "normed") -> str:
    return json.dumps({"picture": picture, "milliseconds": 1.0, "embeddings": embeddings, "faces": []})


def failure(picture: str) -> str:
    return json.dumps({"picture": picture, "milliseconds": 1.0, "error": "no"})


def pictures_in(path: Path) -> list[str]:
    return [json.loads(text)["picture"] for text in path.read_text().splitlines()]


def test_answers_stay_and_errors_are_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "faces.jsonl"
    path.write_text("".join(f"{text}\n" for text in (answer("a"), failure("b"), failure("other"), answer("c"))))
    with opened_answers(path, {"a", "b", "c", "d"}, "normed", again=False) as answers:
        assert answers.answered == {"a", "c"}
        answers.write(answer("b"))
        assert pictures_in(path) == ["a", "other", "c", "b"], "flushed, and one line a picture"


@pytest.mark.parametrize("kept", [1, 5, 13, 40, -1])
def test_a_half_written_line_is_cut_off(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "faces.jsonl"
    path.write_text(
        f"{answer('a')}\n{answer('b')}\n"[: len(answer("a")) + 1 + (kept if kept > 0 else len(answer("b")))]
    )
    with opened_answers(path, {"a", "b"}, "normed", again=False) as answers:
        assert answers.answered == {"a"}
        answers.write(answer("b"))
    assert pictures_in(path) == ["a", "b"]


def test_a_whole_file_is_not_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "faces.jsonl"
    path.write_text(f"{answer('a')}\n")
    before = path.stat().st_ino
    with opened_answers(path, {"a"}, "normed", again=False):
        assert path.stat().st_ino == before


def test_again_starts_anew_and_a_missing_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "faces.jsonl"
    for again in (False, True):
        with opened_answers(path, {"a"}, "normed", again=again) as answers:
            assert answers.answered == frozenset()
            answers.write(answer("a"))
        assert pictures_in(path) == ["a"]
    assert [file.name for file in tmp_path.iterdir()] == ["faces.jsonl"], "no lock stays behind"


@pytest.mark.parametrize(
    "content",
    [
        "the letter of a friend",
        "[1, 2]\n",
        '{"picture": "a"}\n',
        '{"faces": []}\n',
        "\x89PNG\r\n",
        f"{answer('a')}\n\n{answer('b')}\n",
        '{"picture": ["a"], "error": "no"}\n',
        '{"picture": 5, "faces": []}\n',
        "[" * 100_000,
    ],
)
def test_a_file_that_is_none_of_ours_is_not_touched(tmp_path: Path, content: str) -> None:
    path = tmp_path / "letter"
    path.write_bytes(content.encode())
    with (
        pytest.raises(InputError, match="is no answer of this client"),
        opened_answers(path, {"a"}, "normed", again=False),
    ):
        pass
    assert path.read_bytes() == content.encode()


def test_other_embeddings_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "faces.jsonl"
    path.write_text(f"{answer('a', 'raw')}\n")
    told = "line 1 has embeddings: raw, and normed is asked for"
    with pytest.raises(InputError, match=told), opened_answers(path, {"a"}, "normed", again=False):
        pass


def test_old_answers_stay_until_there_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "faces.jsonl"
    path.write_text(f"{answer('old', 'raw')}\n")
    with opened_answers(path, {"a"}, "normed", again=True):
        pass
    assert pictures_in(path) == ["old"]
    with opened_answers(path, {"a"}, "normed", again=True) as answers:
        answers.write(answer("a"))
        answers.write(answer("b"))
    assert pictures_in(path) == ["a", "b"]


def test_two_clients_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "faces.jsonl"
    with opened_answers(path, set(), "normed", again=False) as first:
        with pytest.raises(InputError, match="another client"), opened_answers(path, set(), "normed", again=False):
            pass
        first.write(answer("a"))
    with opened_answers(path, set(), "normed", again=False) as third:
        assert third.answered == {"a"}


def test_where_nothing_can_be_written_is_told_at_once(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone" / "faces.jsonl", Path("/proc/batchproof")):
        with pytest.raises(StoreError), opened_answers(path, set(), "normed", again=False):
            pass


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        opened_answers(tmp_path / "faces.jsonl", set(), "normed", again=False) as answers,
        Path("/dev/full").open("ab", buffering=0) as full,
    ):
        monkeypatch.setattr(answers, "_stream", full)
        with pytest.raises(StoreError, match="cannot be written"):
            answers.write(answer("a"))
