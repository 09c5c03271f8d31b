from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchproof.deploy.triton.client.picture_list import listed
from batchproof.errors import InputError


def test_files_and_what_lies_directly_in_folders_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.png", "a.JPG", "notes.txt", "deeper/c.png"):
        path = Path("folder", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    Path("upload").touch()
    named = [Path("folder/b.png"), Path("folder"), Path("upload")]
    assert listed(named) == [Path("folder/b.png"), Path("folder/a.JPG"), Path("upload")]


def test_what_is_not_there_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jpg: is not there"):
        listed([tmp_path / "gone.jpg"])
    with pytest.raises(InputError, match="no pictures here"):
        listed([tmp_path])


def test_names_that_are_no_text_are_pictures_too(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg"))
    path.touch()
    assert listed([tmp_path]) == [path]
