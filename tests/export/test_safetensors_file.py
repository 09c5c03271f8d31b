from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from batchproof.errors import InputError, MissingDependencyError
from batchproof.export.checkpoint import LARGEST_CHECKPOINT, load_state_dict, read_checkpoint
from batchproof.export.safetensors_file import read_safetensors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.safetensors"


def written(path: Path, header: Any, data: bytes, *, size: int | None = None) -> Path:
    """Write a file by hand: the length of the header in eight bytes, the header, the numbers."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if size is None else size).to_bytes(8, "little") + text + data)
    return path


def entry(first: int, last: int, kind: str = "F32", shape: tuple[int, ...] = (2,)) -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [first, last]}


def test_weights_are_read_with_prefixes_and_metadata_aside(path: Path) -> None:
    weights = {"module.a.weight": torch.randn(4, 3), "module.a.steps": torch.tensor(7)}
    save_file(weights, path, metadata={"format": "pt"})
    read = load_state_dict(path)
    assert {f"module.{key}" for key in read} == weights.keys()
    assert all(torch.equal(read[key.removeprefix("module.")], tensor) for key, tensor in weights.items())


def test_the_open_file_is_read_whatever_is_at_its_path_by_now(path: Path) -> None:
    save_file({"a": torch.ones(1)}, path)
    with path.open("rb") as stream:
        path.unlink()
        assert read_safetensors(stream, path)["a"].tolist() == [1]


def test_half_precision_becomes_float32(path: Path) -> None:
    save_file({"a": torch.tensor([1.5, -2]).bfloat16(), "b": torch.ones(1)}, path)
    read = read_checkpoint(path)
    assert (read.weights["a"].dtype, read.weights["a"].tolist()) == (torch.float32, [1.5, -2])
    assert read.remark == "; stored as bfloat16, exported as float32"


DAMAGED = {
    "empty": (b"", b"", None),
    "no json": (b"{{{{", b"", None),
    "a header beyond the file": ({"a": entry(0, 8)}, bytes(8), 10_000),
    "a header of absurd size": ({"a": entry(0, 8)}, bytes(8), 2**62),
    "overlapping tensors": ({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12), None),
    "a gap": ({"a": entry(0, 8), "b": entry(12, 20)}, bytes(20), None),
    "a tensor beyond the file": ({"a": entry(0, 800, shape=(200,))}, bytes(8), None),
    "bytes of nobody": ({"a": entry(0, 8)}, bytes(80), None),
    "another length than the shape's": ({"a": entry(0, 8, shape=(3,))}, bytes(8), None),
    "a shape that overflows": ({"a": entry(0, 8, shape=(2**40, 2**40))}, bytes(8), None),
    "an unknown type": ({"a": entry(0, 8, "F33")}, bytes(8), None),
    "negative offsets": ({"a": entry(-8, 0)}, bytes(8), None),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_refused(path: Path, case: str) -> None:
    header, data, size = DAMAGED[case]
    with pytest.raises(InputError, match=r"weights\.safetensors: not a safetensors file, or a damaged one \("):
        load_state_dict(written(path, header, data, size=size))


def test_an_intact_file_by_hand_is_read(path: Path) -> None:
    """So that what is refused above is refused for its damage."""
    numbers = torch.tensor([1.0, 2.0])
    written(path, {"a": entry(0, 8), "b": entry(8, 16)}, numbers.numpy().tobytes() * 2)
    assert load_state_dict(path)["b"].tolist() == [1, 2]


def test_a_checkpoint_of_torch_under_this_name_is_refused(path: Path) -> None:
    torch.save({"a": torch.ones(1)}, path)
    with pytest.raises(InputError, match="not a safetensors file"):
        load_state_dict(path)


def test_what_a_checkpoint_is_refused_for_this_is_too(path: Path) -> None:
    save_file({"a": torch.tensor([1.0, torch.nan])}, path)
    with pytest.raises(InputError, match="weights hold NaN or Inf: 'a'"):
        load_state_dict(path)
    save_file({"a": torch.ones(2, dtype=torch.complex64)}, path)
    with pytest.raises(InputError, match="complex"):
        load_state_dict(path)
    written(path, {}, b"")
    with pytest.raises(InputError, match="holds no state dict"):
        load_state_dict(path)


def test_a_file_of_absurd_size_is_refused_unread(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(LARGEST_CHECKPOINT + 1)  # sparse: occupies nothing
    with pytest.raises(InputError, match="are too large, 4294967296 are allowed"):
        load_state_dict(path)


def test_a_missing_file_and_a_folder_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_state_dict(path)
    path.mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        load_state_dict(path)


def test_without_the_library_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"a": torch.ones(1)}, path)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingDependencyError, match=r"safetensors is not installed.*batchproof\[export\]"):
        load_state_dict(path)
