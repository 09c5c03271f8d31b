"""Configurations that are plain data, and would fill the memory when they are run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.export.mmdet.literal import MOST_FILES, read_plain

BOMBS = {
    "square": "a = 7\n" + "a = a * a\n" * 40,
    "list": "a = [0] * 10000000000\n",
    "nested lists": "a = [0] * 30\n" + "a = [a] * 30\n" * 4,
    "shared names": "a = 1\n" + "a = dict(p=a, q=a)\n" * 24,
    "added lists": "a = [0]\n" + "a = a + a\n" * 30,
    "many copies": "a = [0] * 10000\n" + "".join(f"b{number} = dict(a=a)\n" for number in range(60)),
    "repeated text": f"a = {'x' * 1000!r} * 10000\n",
    "many sums of a long text": f"a = {'x' * 100_000!r}\n" + "".join(f"b{number} = a + 'x'\n" for number in range(60)),
    "many sums of a long number": f"a = 0x{'f' * 3000}\n" + "".join(f"b{number} = a + 1\n" for number in range(999)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_grows_is_refused_unrun(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text(BOMBS[name])
    with pytest.raises(InputError, match=r"refused: (line \d+ is code|with line \d+ it assigns more than)"):
        read_plain(path)


def test_small_products_are_no_bombs(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("gpus = 8\nlr = 0.01 / 2\nsamples = 4 * gpus\nwidths = [16] * 3\n")
    assert read_plain(path).bases == ()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(InputError, match=r"cannot be read \(not a regular file\)"):
        read_plain(tmp_path / "pipe.py")


@pytest.mark.parametrize(
    ("base", "fault"),
    [("{[]: 1}", "is no text and no list"), ("['\\ud800.py']", "no file can have"), ("'\\0.py'", "no file can have")],
)
def test_odd_bases_are_one_line(base: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text(f"_base_ = {base}\n")
    with pytest.raises(InputError, match=fault) as caught:
        read_plain(path)
    assert caught.value.line().isprintable()


def test_bases_that_multiply_come_to_an_end(tmp_path: Path) -> None:
    for level in range(12):
        (tmp_path / f"{level}.py").write_text(f"_base_ = {[f'{level + 1}.py'] * 9}\n")
    (tmp_path / "12.py").write_text("x = 1\n")
    with pytest.raises(InputError, match=rf"is one of more than {MOST_FILES} files"):
        read_plain(tmp_path / "0.py")
