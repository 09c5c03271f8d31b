"""Finding the one network in what a checkpoint holds: training code wraps its weights in many ways, and says none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeGuard

from torch import Tensor

from batchproof.errors import InputError

SAVE_ALONE = "Save the weights alone: torch.save(network.state_dict(), 'weights.pt')"

Weights = dict[str, Tensor]

_USUAL = "state_dict"  # where mmdetection and Lightning keep it: nothing to remark

# What wraps a whole network: data-parallel training, Lightning, an embedder beside its loss. None of the networks here
# has all of its weights under one of them, so that taking them off is never a matter of taste.
_WRAPPERS = ("module.", "model.", "net.", "network.", "backbone.")
_LIGHTNING = "model."  # its loss head stands beside it
_COMPILED = "_orig_mod."  # torch.compile's, wherever a module was compiled


def find_state_dict(loaded: object, path: Path) -> tuple[Weights, list[str]]:
    """Return the state dict in `loaded`, itself or the value of one of its keys, and remarks on where it was.

    Of several the one with the most entries is taken, so that a loss head may stand beside a network. Raises
    `InputError` where another has entries of the same names, as averaged weights (EMA) have beside the trained ones:
    only the user knows which are meant. Raises it too where there is none.
    """
    if _is_state_dict(loaded):
        return dict(loaded), []
    found = {str(key): value for key, value in _entries(loaded).items() if _is_state_dict(value)}
    if not found:
        raise _absent(loaded, path)
    taken, *others = sorted(found, key=lambda name: len(found[name]), reverse=True)
    if rivals := [name for name in others if _bare(found[name]).keys() & _bare(found[taken]).keys()]:
        raise _ambiguous([taken, *rivals], path)
    beside = [f"{_quoted(others)} left out"] if others else []
    return dict(found[taken]), [] if [taken, *others] == [_USUAL] else [f"taken from '{taken}'", *beside]


def without_wrappers(weights: Weights) -> tuple[Weights, list[str]]:
    """Return the weights by their keys in the bare network, and remarks on what was taken off and left out."""
    remarks = []
    bare, removed = _without_compiled(weights)
    while prefix := _wrapper(bare):
        removed.append(prefix)
        if beside := sum(not key.startswith(prefix) for key in bare):
            remarks.append(f"entries outside '{prefix}' left out: {beside}")
        bare = {key.removeprefix(prefix): tensor for key, tensor in bare.items() if key.startswith(prefix)}
    if removed:
        remarks.insert(0, f"prefixes taken off: {', '.join(removed)}")
    return bare, remarks


def _without_compiled(weights: Weights) -> tuple[Weights, list[str]]:
    bare = {key.replace(_COMPILED, ""): tensor for key, tensor in weights.items()}
    # Two keys that become one are left alone, for the comparison with the network to name them.
    return (bare, [_COMPILED]) if len(bare) == len(weights) and bare.keys() != weights.keys() else (weights, [])


def _wrapper(weights: Weights) -> str | None:
    around_all = (prefix for prefix in _WRAPPERS if weights and all(key.startswith(prefix) for key in weights))
    lightning = _LIGHTNING if any(key.startswith(_LIGHTNING) for key in weights) else None
    return next(around_all, lightning)


def _bare(weights: Mapping[str, Tensor]) -> Weights:
    return without_wrappers(dict(weights))[0]


def _entries(loaded: object) -> Mapping[object, object]:
    return loaded if isinstance(loaded, Mapping) else {}


def _is_state_dict(value: object) -> TypeGuard[Mapping[str, Tensor]]:
    entries = _entries(value)
    return bool(entries) and all(isinstance(key, str) and isinstance(entries[key], Tensor) for key in entries)


def _absent(loaded: object, path: Path) -> InputError:
    entries = _entries(loaded)
    foreign = [key for key, value in entries.items() if not isinstance(value, Tensor)]
    if 0 < len(foreign) < len(entries):
        return InputError(f"no state dict: its entry '{foreign[0]}' is no tensor", where=path, remedy=SAVE_ALONE)
    return InputError("holds no state dict", where=path, remedy=SAVE_ALONE)


def _ambiguous(names: list[str], path: Path) -> InputError:
    what = f"holds the weights of one network more than once: {_quoted(names)}"
    one = f"torch.load('{path.name}', weights_only=True)['{names[0]}']"
    return InputError(what, where=path, remedy=f"Save the ones you mean alone, such as torch.save({one}, 'weights.pt')")


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
