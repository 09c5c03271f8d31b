from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.checkpoint import LARGEST_CHECKPOINT, LARGEST_NETWORK, load_state_dict, read_checkpoint
from batchproof.export.networks.catalogue import CATALOGUE

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


def test_numbers_too_large_for_float32_are_named(path: Path, weights: Weights) -> None:
    torch.save({**weights, "a.bias": weights["a.bias"].double() * 1e300}, path)
    with pytest.raises(InputError, match=r"weights hold NaN or Inf: 'a\.bias'\."):
        load_state_dict(path)


def test_half_precision_becomes_float32_and_counters_stay(path: Path, weights: Weights) -> None:
    half = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}
    torch.save(half, path)
    assert_read(path, {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in half.items()})


def test_the_constant_of_the_unused_loss_is_dropped(path: Path, weights: Weights) -> None:
    torch.save({**weights, "bbox_head.integral.project": torch.arange(9.0)}, path)
    assert_read(path, weights)


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
    with pytest.raises(InputError, match=r"weights hold NaN or Inf: 'a\.bias'\."):
        load_state_dict(path)


def test_a_file_of_absurd_size_is_refused_unread(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(LARGEST_CHECKPOINT + 1)  # sparse: occupies nothing
    with pytest.raises(InputError, match=r"4294967297 bytes are too large, 4294967296 are allowed"):
        load_state_dict(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.pth: cannot be read \(No such file or directory\)"):
        load_state_dict(tmp_path / "no.pth")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        load_state_dict(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(InputError, match="not a regular file"):
        load_state_dict(tmp_path / "pipe.pt")


def test_weights_that_are_not_plain_are_refused_by_name(path: Path, weights: Weights) -> None:
    torch.save({**weights, "a.bias": weights["a.bias"].to_sparse()}, path)
    with pytest.raises(InputError, match=r"weights are sparse, .* or without data: 'a\.bias'\."):
        load_state_dict(path)


def test_one_storage_under_many_keys_is_refused_before_it_is_copied(path: Path) -> None:
    """A file of 2 MB; as float32 each key would be a copy of its own."""
    storage = torch.zeros(2**20, dtype=torch.half)
    keys = LARGEST_NETWORK // len(storage) + 1
    torch.save({f"w{index}": storage for index in range(keys)}, path)
    with pytest.raises(InputError, match=r"269484032 weights are too many for a face model, 268435456 are allowed"):
        load_state_dict(path)


def test_the_largest_network_may_be_read() -> None:
    sizes = {sum(t.numel() for t in one.skeleton().state_dict().values()) for one in CATALOGUE.values()}
    assert LARGEST_NETWORK / 2 < max(sizes) <= LARGEST_NETWORK
