from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.wrappers import without_wrappers

PATH = Path("weights.pt")


@pytest.fixture
def weights() -> dict[str, Tensor]:
    return {"a.weight": torch.ones(4, 5), "a.bias": torch.ones(4), "b.bias": torch.zeros(2)}


def prefixed(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {prefix + key: tensor for key, tensor in weights.items()}


@pytest.mark.parametrize(
    ("prefix", "taken_off"),
    [
        ("module.", "module."),
        ("_orig_mod.", "_orig_mod."),
        ("module._orig_mod.", "_orig_mod., module."),
        ("model._orig_mod.module.", "_orig_mod., model., module."),
        ("model.backbone.", "model., backbone."),
    ],
)
def test_wrappers_are_taken_off_and_told(weights: dict[str, Tensor], prefix: str, taken_off: str) -> None:
    bare, remarks = without_wrappers(prefixed(weights, prefix), PATH)
    assert bare.keys() == weights.keys()
    assert remarks == [f"prefixes taken off: {taken_off}"]


def test_a_part_that_was_compiled_alone_is_found() -> None:
    bare, _ = without_wrappers({"backbone._orig_mod.a": torch.ones(1), "neck.a": torch.ones(1)}, PATH)
    assert list(bare) == ["backbone.a", "neck.a"]


def test_keys_that_would_become_one_are_left_alone() -> None:
    weights = {"a._orig_mod.b": torch.ones(1), "a.b": torch.zeros(1)}
    assert without_wrappers(weights, PATH) == (weights, [])


def test_what_stands_beside_lightnings_network_is_left_out_and_told(weights: dict[str, Tensor]) -> None:
    bare, remarks = without_wrappers({**prefixed(weights, "model."), "head.kernel": torch.ones(3)}, PATH)
    assert bare.keys() == weights.keys()
    assert remarks == ["prefixes taken off: model.", "entries outside 'model.' left out: 1"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_network_of_ours_loses_a_part_of_its_names(name: str) -> None:
    weights = CATALOGUE[name].skeleton().state_dict()
    assert without_wrappers(dict(weights), PATH) == (dict(weights), [])


@pytest.mark.parametrize("averaged", ["ema_model.", "ema.module.", "ema.model._orig_mod.", ""])
@pytest.mark.parametrize("network", ["model.", "model.module."])
def test_a_second_network_beside_lightnings_is_never_left_out(
    weights: dict[str, Tensor], network: str, averaged: str
) -> None:
    both = {**prefixed(weights, network), **prefixed(weights, averaged), "head.kernel": torch.ones(3)}
    expected = rf"weights\.pt: holds the weights of one network more than once: under '{network}' and as '\S*a\.weight'"
    with pytest.raises(InputError, match=expected) as error:
        without_wrappers(both, PATH)
    assert "head.kernel" not in error.value.what


@pytest.mark.parametrize(("prefix", "counter"), [("module.", "n_averaged"), ("module.", "steps"), ("model.", "steps")])
def test_the_counter_of_averaged_weights_is_left_out(weights: dict[str, Tensor], prefix: str, counter: str) -> None:
    bare, remarks = without_wrappers({counter: torch.tensor(5), **prefixed(weights, prefix)}, PATH)
    assert bare.keys() == weights.keys()
    assert remarks == [f"prefixes taken off: {prefix}", f"entries outside '{prefix}' left out: 1"]


def test_what_torch_itself_averages_is_read() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 3))
    averaged = torch.optim.swa_utils.AveragedModel(network).state_dict()
    assert without_wrappers(averaged, PATH)[0].keys() == network.state_dict().keys()


@pytest.mark.parametrize("beside", [[], ["model.a"]])
def test_a_name_of_any_length_takes_no_time(beside: list[str]) -> None:
    """Each round would copy a megabyte, and there are hundreds of thousands."""
    names = ["module." * 300_000 + "a", *beside]
    bare, _ = without_wrappers({name: torch.ones(1) for name in names}, PATH)
    assert list(bare) == (["a"] if beside else ["module." * 299_992 + "a"])
