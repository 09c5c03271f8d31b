from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from batchproof.errors import InputError
from batchproof.export.checkpoint import LARGEST_CHECKPOINT, load_state_dict, read_checkpoint

Weights = dict[str, Tensor]


@pytest.fixture
def weights() -> Weights:
    torch.manual_seed(0)
    return {"a.weight": torch.randn(40, 50), "a.bias": torch.randn(40), "a.steps": torch.tensor(7)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def prefixed(weights: Weights, prefix: str) -> Weights:
    return {prefix + key: tensor for key, tensor in weights.items()}


def assert_read(path: Path, expected: Weights) -> None:
    loaded = load_state_dict(path)
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in expected.items())
    assert all(loaded[key].dtype == tensor.dtype for key, tensor in expected.items())


@pytest.mark.parametrize("zipped", [True, False], ids=["current format", "legacy format"])
def test_a_plain_state_dict_is_read(path: Path, weights: Weights, zipped: bool) -> None:
    torch.save(OrderedDict(weights), path, _use_new_zipfile_serialization=zipped)
    assert_read(path, weights)


def test_a_training_checkpoint_is_read(path: Path, weights: Weights) -> None:
    torch.save({"meta": {"epoch": 3, "config": "text"}, "state_dict": weights, "optimizer": {"lr": 0.1}}, path)
    assert_read(path, weights)


def test_the_prefix_of_data_parallel_training_is_taken_off(path: Path, weights: Weights) -> None:
    torch.save({"state_dict": prefixed(weights, "module.")}, path)
    assert_read(path, weights)


def test_of_a_lightning_module_the_network_is_read(path: Path, weights: Weights) -> None:
    torch.save({"state_dict": {**prefixed(weights, "model."), "head.kernel": torch.zeros(3)}, "epoch": 1}, path)
    assert_read(path, weights)


@pytest.mark.parametrize("zipped", [True, False], ids=["current format", "legacy format"])
def test_weights_saved_on_a_gpu_are_read_where_there_is_none(
    path: Path, weights: Weights, zipped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    torch.save(weights, path, _use_new_zipfile_serialization=zipped)
    content = zipfile.ZipFile(path).read("weights/data.pkl") if zipped else path.read_bytes()
    assert b"cuda:0" in content
    assert_read(path, weights)


def test_the_prefix_of_lightning_around_data_parallel_is_taken_off(path: Path, weights: Weights) -> None:
    torch.save({"state_dict": prefixed(prefixed(weights, "model."), "module."), "pytorch-lightning_version": "2"}, path)
    assert_read(path, weights)


@pytest.mark.parametrize(
    ("types", "remark"),
    [
        ({}, ""),
        ({"a.bias": torch.float16}, "; stored as float16, exported as float32"),
        (
            {"a.bias": torch.bfloat16, "a.weight": torch.float64},
            "; stored as bfloat16, float64, exported as float32",
        ),
    ],
)
def test_types_other_than_float32_are_told(
    path: Path, weights: Weights, types: dict[str, torch.dtype], remark: str
) -> None:
    torch.save({key: tensor.to(types.get(key, tensor.dtype)) for key, tensor in weights.items()}, path)
    read = read_checkpoint(path)
    assert read.remark == remark
    assert {tensor.dtype for tensor in read.weights.values()} == {torch.float32, torch.int64}


def test_all_that_was_done_to_the_weights_is_told(path: Path, weights: Weights) -> None:
    half = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}
    torch.save({"net": prefixed(half, "module._orig_mod."), "epoch": 3}, path)
    read = read_checkpoint(path)
    assert read.weights.keys() == weights.keys()
    taken = "; taken from 'net'; prefixes taken off: _orig_mod., module."
    assert read.remark == f"{taken}; stored as float16, exported as float32"


def test_averaged_weights_beside_the_trained_ones_are_refused(path: Path, weights: Weights) -> None:
    torch.save({"state_dict": weights, "ema_state_dict": weights}, path)
    with pytest.raises(
        InputError, match=r"more than once: 'state_dict', 'ema_state_dict'\. Save the ones you mean alone"
    ):
        load_state_dict(path)


def test_numbers_too_large_for_float32_are_named(path: Path, weights: Weights) -> None:
    torch.save({**weights, "a.bias": weights["a.bias"].double() * 1e300}, path)
    with pytest.raises(InputError, match=r"weights hold NaN or Inf: a\.bias\."):
        load_state_dict(path)


def test_half_precision_becomes_float32_and_counters_stay(path: Path, weights: Weights) -> None:
    half = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}
    torch.save(half, path)
    assert_read(path, {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in half.items()})


def test_the_constant_of_the_unused_loss_is_dropped(path: Path, weights: Weights) -> None:
    torch.save({**weights, "bbox_head.integral.project": torch.arange(9.0)}, path)
    assert_read(path, weights)


@pytest.mark.parametrize("zipped", [True, False], ids=["current format", "legacy format"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_file_is_refused(path: Path, weights: Weights, zipped: bool, share: float) -> None:
    torch.save(weights, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"weights\.pth: not a PyTorch checkpoint, or a truncated one\. Fetch or save"):
        load_state_dict(path)


@pytest.mark.parametrize("content", [b"just a text file", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04zip"])
def test_a_foreign_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a PyTorch checkpoint"):
        load_state_dict(path)


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
        load_state_dict(path)
    assert victim.exists()


def test_a_whole_network_is_refused_as_code(path: Path) -> None:
    torch.save(nn.Linear(2, 2), path)
    with pytest.raises(InputError, match=r"would run code \(torch\.nn\.modules\.linear\.Linear\)"):
        load_state_dict(path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"state_dict": {}}, {"state_dict": 5}, 3], ids=str)
def test_a_file_without_a_state_dict_is_refused(path: Path, content: object) -> None:
    torch.save(content, path)
    with pytest.raises(InputError, match="holds no state dict"):
        load_state_dict(path)


def test_an_entry_that_is_no_tensor_is_named(path: Path, weights: Weights) -> None:
    torch.save({**weights, "epoch": 3}, path)
    with pytest.raises(InputError, match="its entry 'epoch' is no tensor"):
        load_state_dict(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(path: Path, weights: Weights, value: float) -> None:
    weights["a.bias"][7] = value
    torch.save(weights, path)
    with pytest.raises(InputError, match=r"weights hold NaN or Inf: a\.bias\."):
        load_state_dict(path)


def test_a_file_of_absurd_size_is_refused_unread(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(LARGEST_CHECKPOINT + 1)  # sparse: occupies nothing
    with pytest.raises(InputError, match=r"4294967297 bytes are too large"):
        load_state_dict(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.pth: cannot be read \(No such file or directory\)"):
        load_state_dict(tmp_path / "no.pth")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        load_state_dict(tmp_path)


def test_a_bare_pickle_is_refused_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bare.pt"
    path.write_bytes(pickle.dumps({"weights": [1.0, 2.0]}))
    with pytest.raises(InputError, match=r"refused: a bare pickle, .* code in a pickle can do anything"):
        load_state_dict(path)


def test_weights_that_claim_more_than_the_file_can_hold_are_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1).expand(2**42)}, tmp_path / "huge.pt")
    with pytest.raises(InputError, match="without data: w"):
        load_state_dict(tmp_path / "huge.pt")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(InputError, match="not a regular file"):
        load_state_dict(tmp_path / "pipe.pt")
