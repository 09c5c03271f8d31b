from pathlib import Path

import pytest

from batchproof.build.tensorrt.header import EngineHeader, read_header, require_version
from batchproof.errors import InputError


def engine(path: Path, tag: bytes = b"vtrt", version: tuple[int, ...] = (1, 7, 1, 116), serialisation: int = 0) -> Path:
    head = tag + serialisation.to_bytes(4, "little") + bytes(16) + bytes(version)
    path.write_bytes(head + b"the rest of the engine")
    return path


def test_the_header_names_product_and_version(tmp_path: Path) -> None:
    assert read_header(engine(tmp_path / "a.engine")) == EngineHeader("rtx", "1.7.1.116")
    assert read_header(engine(tmp_path / "b.engine", b"ftrt", (10, 9, 0, 34))) == EngineHeader("tensorrt", "10.9.0.34")


@pytest.mark.parametrize("content", [b"", b"ftrt", b"\x08\x08\x12\x07pytorch" * 9, b"vtrt" + bytes(20)])
def test_what_is_no_engine_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.engine"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"no\.engine: is no TensorRT engine, or a truncated one"):
        read_header(path)


def test_a_layout_that_nobody_has_described_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no TensorRT engine"):
        read_header(engine(tmp_path / "later.engine", serialisation=1))


@pytest.mark.parametrize(
    ("tag", "version", "said"),
    [
        (b"ftrt", (10, 9, 0, 34), r"was written by TensorRT 10\.9\.0\.34, and TensorRT 10\.16\.0\.72 is installed"),
        (b"vtrt", (1, 7, 1, 116), r"was written by TensorRT-RTX 1\.7\.1\.116, and TensorRT 10\.16\.0\.72 is installed"),
        (b"vtrt", (10, 16, 0, 72), r"was written by TensorRT-RTX 10\.16\.0\.72, and TensorRT 10\.16\.0\.72 is inst"),
    ],
)
def test_an_engine_of_another_version_is_refused(
    tmp_path: Path, tag: bytes, version: tuple[int, ...], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        require_version(engine(tmp_path / "old.engine", tag, version), "tensorrt", "10.16.0.72")


@pytest.mark.parametrize("installed", ["1.7.1.116", "1.7.1b116", "1.7.1"])
def test_the_same_version_passes_however_it_is_written(tmp_path: Path, installed: str) -> None:
    require_version(engine(tmp_path / "same.engine"), "rtx", installed)


@pytest.mark.parametrize("installed", ["1.7.1.117", "1.7.2", "1.8.1.116", "17.1.116"])
def test_any_other_number_is_another_version(tmp_path: Path, installed: str) -> None:
    with pytest.raises(InputError, match="is installed"):
        require_version(engine(tmp_path / "other.engine"), "rtx", installed)
