from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.state_dict import find_state_dict, without_wrappers

PATH = Path("weights.pt")


@pytest.fixture
def weights() -> dict[str, Tensor]:
    return {"a.weight": torch.ones(4, 5), "a.bias": torch.ones(4), "b.bias": torch.zeros(2)}


def prefixed(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {prefix + key: tensor for key, tensor in weights.items()}


@pytest.mark.parametrize("key", ["model", "model_state_dict", "net", "ema", "state_dict_backbone"])
def test_the_one_state_dict_is_taken_and_told(weights: dict[str, Tensor], key: str) -> None:
    training = {"epoch": 3, "best": torch.tensor(0.9), "optimizer": {"state": {}, "param_groups": []}}
    assert find_state_dict({**training, key: weights}, PATH) == (weights, [f"taken from '{key}'"])


def test_the_usual_place_is_not_told(weights: dict[str, Tensor]) -> None:
    assert find_state_dict({"state_dict": weights, "epoch": 3}, PATH) == (weights, [])
    assert find_state_dict(weights, PATH) == (weights, [])


def test_a_loss_head_may_stand_beside_however_large(weights: dict[str, Tensor]) -> None:
    """As InsightFace's own training saves an embedder and the centres of its classes."""
    loaded = {"state_dict_softmax_fc": {"weight": torch.ones(900)}, "state_dict_backbone": weights}
    expected = ["taken from 'state_dict_backbone'", "'state_dict_softmax_fc' left out"]
    assert find_state_dict(loaded, PATH) == (weights, expected)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
@pytest.mark.parametrize("more", [{}, {"n_averaged": torch.tensor(5)}])
def test_raw_and_averaged_weights_are_never_chosen_between(
    weights: dict[str, Tensor], prefix: str, more: dict[str, Tensor]
) -> None:
    loaded = {"model": weights, "ema": prefixed({**weights, **more}, prefix), "loss": {"centres": torch.ones(3)}}
    with pytest.raises(InputError) as error:
        find_state_dict(loaded, PATH)
    assert "weights of one network more than once: " in error.value.what
    assert {"'model'", "'ema'"} == set(error.value.what.split(": ")[1].split(", "))
    assert "weights_only=True)['" in str(error.value.remedy)


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
    bare, remarks = without_wrappers(prefixed(weights, prefix))
    assert bare.keys() == weights.keys()
    assert remarks == [f"prefixes taken off: {taken_off}"]


def test_a_part_that_was_compiled_alone_is_found() -> None:
    bare, _ = without_wrappers({"backbone._orig_mod.a": torch.ones(1), "neck.a": torch.ones(1)})
    assert list(bare) == ["backbone.a", "neck.a"]


def test_keys_that_would_become_one_are_left_alone() -> None:
    weights = {"a._orig_mod.b": torch.ones(1), "a.b": torch.zeros(1)}
    assert without_wrappers(weights) == (weights, [])


def test_what_stands_beside_lightnings_network_is_left_out_and_told(weights: dict[str, Tensor]) -> None:
    bare, remarks = without_wrappers({**prefixed(weights, "model."), "head.kernel": torch.ones(3)})
    assert bare.keys() == weights.keys()
    assert remarks == ["prefixes taken off: model.", "entries outside 'model.' left out: 1"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_network_of_ours_loses_a_part_of_its_names(name: str) -> None:
    weights = CATALOGUE[name].skeleton().state_dict()
    assert without_wrappers(dict(weights)) == (dict(weights), [])
