from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from batchproof.artifacts import manifest, onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.input_file import opened, read_bytes
from batchproof.errors import BatchproofError, InputError
from batchproof.policy import load_policy
from batchproof.surgery.fp16 import plan


def test_a_file_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1234")
    (tmp_path / "link").symlink_to("file")
    assert read_bytes(tmp_path / "link", largest=4) == b"1234"


@pytest.mark.parametrize("read", [read_bytes, onnx_file.read, content_sha256, load_policy, plan.read, manifest.read])
def test_nobody_waits_for_a_pipe(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BatchproofError, match=r"pipe: cannot be read \(not a regular file\)"):
        read(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("place", "reason"),
    [("/dev/zero", "not a regular file"), ("folder", "Is a directory"), ("nothing", "No such file or directory")],
)
def test_what_is_no_file_is_refused(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=rf"cannot be read \({reason}\)"):
        read_bytes(tmp_path / place)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    with (
        pytest.raises(InputError, match=r"file: 5 bytes are too large, 4 are allowed\. Take a smaller one\."),
        opened(tmp_path / "file", largest=4, too_large="Take a smaller one"),
    ):
        pytest.fail("the file was opened")


def test_a_disk_that_fails_while_it_is_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: cannot be read \(Input/output error\)"), opened(tmp_path / "file"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
