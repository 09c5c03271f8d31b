from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ConfigDict, with_config

from batchproof.artifacts import toml_file
from batchproof.errors import InputError


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Wanted:
    number: int
    names: dict[str, str]


def read(path: Path, text: str) -> Wanted:
    path.write_text(text, encoding="utf-8")
    return toml_file.read(path, Wanted, called="wish", like="wish.toml")


def test_content_becomes_the_kind_asked_for(tmp_path: Path) -> None:
    assert read(tmp_path / "w.toml", 'number = 2\n[names]\na = "b"') == Wanted(2, {"a": "b"})


def test_every_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path / "w.toml", 'number = "x"\nother = 1\n[names]\na = 1')
    line = caught.value.line()
    assert line.startswith(f"{tmp_path / 'w.toml'}: wish refused: ")
    assert all(key in line for key in ("number: ", "other: Unexpected", "names.a: "))
    assert line.endswith("See wish.toml.")


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "w.toml").open("wb") as stream:
        stream.truncate(2**30)
    with pytest.raises(InputError, match=r"1048576 are allowed\. Name a file like wish\.toml"):
        toml_file.read(tmp_path / "w.toml", Wanted, called="wish", like="wish.toml")
