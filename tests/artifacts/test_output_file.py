from pathlib import Path

import pytest

from batchproof.artifacts.output_file import replacing
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
