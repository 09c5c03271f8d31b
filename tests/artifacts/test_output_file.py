import os
from pathlib import Path

import pytest

from batchproof.artifacts.output_file import folder_of, replacing, unwritable, write_bytes, write_texts
from batchproof.errors import StoreError


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    output = tmp_path / "model.ort"
    with replacing(output) as temporary:
        assert temporary.suffix == ".ort"
        temporary.write_bytes(b"new")
        assert not output.exists()
    assert output.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [output]


def test_a_failure_leaves_the_old_file_alone(tmp_path: Path) -> None:
    output = tmp_path / "model.ort"
    output.write_bytes(b"old")
    with pytest.raises(StoreError, match="cannot be written"), replacing(output) as temporary:
        temporary.mkdir()  # fails, because the temporary file exists
    assert output.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_a_folder_that_is_none_is_refused_before_the_block(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    entered = False
    with pytest.raises(StoreError, match=r"model\.ort: cannot be written"), replacing(tmp_path / folder / "model.ort"):
        entered = True
    assert not entered


def test_a_link_is_followed_and_permissions_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "target.bin", tmp_path / "link.bin"
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to(target)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)


@pytest.mark.parametrize("place", ["folder", "pipe"])
def test_what_is_no_file_is_not_replaced(place: str, tmp_path: Path) -> None:
    output = tmp_path / place
    if place == "folder":
        output.mkdir()
    else:
        os.mkfifo(output)
    with pytest.raises(StoreError, match="it is no regular file"):
        write_bytes(output, b"new")
    assert not output.is_file()


def test_files_of_a_folder_move_into_folders_that_are_there_already(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        with folder_of(tmp_path / "out") as written:
            (written / "det" / "1").mkdir(parents=True)
            (written / "det" / "1" / "model.plan").write_bytes(content)
    assert (tmp_path / "out" / "det" / "1" / "model.plan").read_bytes() == b"second"
    assert os.access(tmp_path / "out" / "det", os.X_OK)
    assert (tmp_path / "out" / "det").stat().st_mode & 0o111
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["det"]


def test_a_folder_that_a_killed_writer_left_is_removed_and_one_in_use_is_not(tmp_path: Path) -> None:
    killed = tmp_path / ".work-killed"
    killed.mkdir()
    (killed / ".in-use").touch()
    with folder_of(tmp_path) as first, folder_of(tmp_path) as second:
        assert not killed.exists()
        assert first.is_dir()
        assert second.is_dir()


def test_the_disk_s_refusal_names_the_wanted_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, folder_of(tmp_path / "out") as written:
        raise unwritable(written / "det.engine", "No space left on device")
    assert caught.value.where == tmp_path / "out" / "det.engine"


def test_texts_are_put_below_a_folder_by_their_paths(tmp_path: Path) -> None:
    write_texts(tmp_path, {"a.txt": "one\n", "deep/er/b.txt": "ü\r\n"})
    assert (tmp_path / "a.txt").read_bytes() == b"one\n"
    assert (tmp_path / "deep/er/b.txt").read_bytes() == "ü\r\n".encode()
    with pytest.raises(StoreError, match=r"a\.txt/c\.txt"):
        write_texts(tmp_path, {"a.txt/c.txt": "below a file"})
