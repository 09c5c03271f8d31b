from __future__ import annotations

import copy
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from batchproof.errors import InputError
from batchproof.export.torch_file import read_torch

Weights = dict[str, Tensor]


@pytest.fixture
def weights() -> Weights:
    return {"a.weight": torch.randn(40, 50), "a.bias": torch.randn(40), "a.steps": torch.tensor(7)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def read(path: Path) -> Any:
    with path.open("rb") as stream:
        return read_torch(stream, path)


@pytest.mark.parametrize("zipped", [True, False], ids=["current format", "legacy format"])
def test_weights_saved_on_a_gpu_are_read_where_there_is_none(
    path: Path, weights: Weights, zipped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    torch.save(weights, path, _use_new_zipfile_serialization=zipped)
    content = zipfile.ZipFile(path).read("weights/data.pkl") if zipped else path.read_bytes()
    assert b"cuda:0" in content
    assert torch.equal(read(path)["a.weight"], weights["a.weight"])


@pytest.mark.parametrize("zipped", [True, False], ids=["current format", "legacy format"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_file_is_refused(path: Path, weights: Weights, zipped: bool, share: float) -> None:
    torch.save(weights, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"weights\.pth: not a PyTorch checkpoint, or a truncated one\. Fetch or save"):
        read(path)


@pytest.mark.parametrize("content", [b"just a text file", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04zip"])
def test_a_foreign_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a PyTorch checkpoint"):
        read(path)


class Harmful:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.unlink, (self.victim,)


@pytest.mark.parametrize("zipped", [True, False], ids=["current format", "legacy format"])
def test_code_is_named_and_not_run(path: Path, weights: Weights, tmp_path: Path, zipped: bool) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    torch.save({"state_dict": weights, "hook": Harmful(victim)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"refused: loading it would run code \(\S+\).*Save the weights alone"):
        read(path)
    assert victim.exists()


def test_a_whole_network_is_refused_as_code(path: Path) -> None:
    torch.save(nn.Linear(2, 2), path)
    with pytest.raises(InputError, match=r"would run code \(torch\.nn\.modules\.linear\.Linear\)"):
        read(path)


def test_a_bare_pickle_is_refused_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bare.pt"
    path.write_bytes(pickle.dumps({"weights": [1.0, 2.0]}))
    with pytest.raises(InputError, match=r"refused: a bare pickle, .* code in a pickle can do anything"):
        read(path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # files of that kind will be around for longer
def test_a_torchscript_program_is_told_as_such(path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    with pytest.raises(InputError, match=r"weights\.pth: a TorchScript program, not a checkpoint"):
        read(path)


def test_an_archive_that_was_compressed_is_refused(path: Path, tmp_path: Path) -> None:
    """A hundred thousand bytes of it could be a hundred million of memory."""
    torch.save({"w": torch.zeros(100_000)}, tmp_path / "stored.pth")
    with zipfile.ZipFile(tmp_path / "stored.pth") as stored, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in stored.infolist():
            packed.writestr(entry.filename, stored.read(entry))
    with pytest.raises(InputError, match=r"weights\.pth: compressed: unpacks to more than it has"):
        read(path)


def test_entries_that_stand_on_the_same_bytes_are_refused(path: Path) -> None:
    torch.save({"w": torch.zeros(100_000)}, path)
    with zipfile.ZipFile(path, "a") as archive:
        again = copy.copy(archive.getinfo("weights/data/0"))
        again.filename = "weights/data/1"
        archive.filelist.append(again)
        archive.writestr("weights/last", b"")  # so that the list of entries is written anew
    with pytest.raises(InputError, match="unpacks to more than it has"):
        read(path)
