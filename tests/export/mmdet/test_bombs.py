"""Configurations that are plain data, and would fill the memory when they are run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.export.mmdet.literal import check_plain

BOMBS = {
    "square": "a = 7\n" + "a = a * a\n" * 40,
    "list": "a = [0] * 10000000000\n",
    "nested lists": "a = [0] * 30\n" + "a = [a] * 30\n" * 4,
    "shared names": "a = 1\n" + "a = dict(p=a, q=a)\n" * 24,
    "added lists": "a = [0]\n" + "a = a + a\n" * 30,
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_grows_is_refused_unrun(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text(BOMBS[name])
    with pytest.raises(InputError, match=r"refused: line \d+ is code"):
        check_plain(path)


def test_small_products_are_no_bombs(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("gpus = 8\nlr = 0.01 / 2\nsamples = 4 * gpus\nwidths = [16] * 3\n")
    assert check_plain(path) == [path]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(InputError, match=r"no \.py file of at most 1 MiB"):
        check_plain(tmp_path / "pipe.py")


@pytest.mark.parametrize("base", ["{[]: 1}", "['\\ud800.py']"])
def test_odd_bases_are_one_line(base: str, tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text(f"_base_ = {base}\n")
    with pytest.raises(InputError) as caught:
        check_plain(path)
    assert caught.value.line().isprintable()
