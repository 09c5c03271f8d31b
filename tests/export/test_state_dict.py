from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.state_dict import find_state_dict

PATH = Path("weights.pt")


@pytest.fixture
def weights() -> dict[str, Tensor]:
    return {"a.weight": torch.ones(4, 5), "a.bias": torch.ones(4), "b.bias": torch.zeros(2)}


@pytest.fixture
def network() -> dict[str, Tensor]:
    built = CATALOGUE["mobilefacenet_112"].skeleton().to_empty(device="cpu")
    return {key: torch.ones_like(tensor) for key, tensor in built.state_dict().items()}


def prefixed(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {prefix + key: tensor for key, tensor in weights.items()}


@pytest.mark.parametrize("key", ["model", "model_state_dict", "net", "ema", "state_dict_backbone"])
def test_the_one_state_dict_is_taken_and_told(weights: dict[str, Tensor], key: str) -> None:
    training = {"epoch": 3, "best": torch.tensor(0.9), "optimizer": {"state": {}, "param_groups": []}}
    assert find_state_dict({**training, key: weights}, PATH) == (weights, [f"taken from '{key}'"])


def test_the_usual_place_is_not_told(weights: dict[str, Tensor]) -> None:
    assert find_state_dict({"state_dict": weights, "epoch": 3}, PATH) == (weights, [])
    assert find_state_dict(weights, PATH) == (weights, [])


def test_a_loss_head_may_stand_beside_however_large(network: dict[str, Tensor]) -> None:
    """As InsightFace's own training saves an embedder and the centres of its classes."""
    head = {f"weight.{index}": torch.ones(1) for index in range(1000)}
    expected = ["taken from 'state_dict_backbone'", "'state_dict_softmax_fc' left out"]
    assert find_state_dict({"state_dict_softmax_fc": head, "state_dict_backbone": network}, PATH) == (network, expected)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
@pytest.mark.parametrize("counter", [[], ["n_averaged"], ["steps"]])
def test_raw_and_averaged_weights_are_never_chosen_between(
    network: dict[str, Tensor], prefix: str, counter: list[str]
) -> None:
    averaged = {**prefixed(network, prefix), **{name: torch.tensor(5) for name in counter}}
    averaged[f"{prefix}conv1.1.weight"] = torch.zeros(64)
    with pytest.raises(InputError, match=r"several state dicts that may be meant: 'model', 'ema'\.") as error:
        find_state_dict({"model": network, "ema": averaged, "loss": {"centres": torch.ones(3)}}, PATH)
    command = "torch.save(torch.load('weights.pt', weights_only=True)['model'], 'weights.pt')"
    assert error.value.remedy == f"Save the ones you mean alone, such as {command}"


def test_a_part_of_the_averaged_weights_is_a_rival_too(network: dict[str, Tensor]) -> None:
    parameters = {key: tensor for key, tensor in network.items() if key.startswith("conv1.")}
    with pytest.raises(InputError, match="'state_dict', 'ema'"):
        find_state_dict({"state_dict": network, "ema": parameters}, PATH)


def test_where_none_resembles_a_known_network_the_user_chooses(weights: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match="several state dicts that may be meant: 'first', 'second'"):
        find_state_dict({"first": weights, "second": {"c": torch.ones(1)}}, PATH)


def test_two_different_networks_are_never_chosen_between(network: dict[str, Tensor]) -> None:
    detector = CATALOGUE["scrfd_500m"].skeleton().to_empty(device="cpu").state_dict()
    with pytest.raises(InputError, match="'embedder', 'detector'"):
        find_state_dict({"embedder": network, "detector": detector}, PATH)


def test_the_same_weights_twice_are_taken_once(network: dict[str, Tensor]) -> None:
    again = {f"module.{key}": tensor.clone() for key, tensor in network.items()}
    taken, remarks = find_state_dict({"state_dict": network, "ema": again}, PATH)
    assert taken == network
    assert remarks == ["taken from 'state_dict'", "'ema' left out"]


def test_a_number_and_its_digit_are_two_keys(network: dict[str, Tensor]) -> None:
    other = {**network, "conv1.1.weight": torch.zeros(64)}
    with pytest.raises(InputError, match=r"may be meant: 1, '1'\..*\)\[1\], 'weights\.pt'\)"):
        find_state_dict({1: network, "1": other}, PATH)


def test_a_key_that_would_command_a_terminal_is_quoted(weights: dict[str, Tensor]) -> None:
    _, remarks = find_state_dict({"a\x1b[31mred\n fake": weights}, PATH)
    assert remarks == [r"taken from 'a\x1b[31mred\n fake'"]


def test_tensors_of_other_kinds_are_no_known_network(network: dict[str, Tensor]) -> None:
    """Left for the reading of the checkpoint to refuse by name."""
    sparse = {key: tensor.to_sparse() for key, tensor in network.items()}
    with pytest.raises(InputError, match="may be meant: 'a', 'b'"):
        find_state_dict({"a": sparse, "b": {"c": torch.ones(1)}}, PATH)


def test_a_state_dict_one_level_deeper_is_pointed_at(weights: dict[str, Tensor]) -> None:
    expected = r"one level too deep, in 'checkpoint'\. .*weights_only=True\)\['checkpoint'\]\['state_dict'\], 'weights"
    with pytest.raises(InputError, match=expected):
        find_state_dict({"checkpoint": {"state_dict": weights, "epoch": 3}}, PATH)


@pytest.mark.parametrize(
    ("loaded", "sentence"),
    [
        ({"epoch": 3}, "holds no state dict"),
        ({"state_dict": {1: torch.ones(1)}}, "holds no state dict"),
        ({"a": torch.ones(1), "epoch": 3}, "no state dict: its entry 'epoch' is no tensor"),
        ([torch.ones(1)], "holds no state dict"),
    ],
)
def test_what_is_none_is_refused(loaded: object, sentence: str) -> None:
    with pytest.raises(InputError, match=rf"weights\.pt: {sentence}"):
        find_state_dict(loaded, PATH)
