"""What training code puts around a network shows in the names of its weights, and is taken off them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.key_names import first_quoted
from batchproof.export.torch_file import SAVE_ALONE

Weights = dict[str, Tensor]

# What wraps a whole network: data-parallel training, Lightning, an embedder beside its loss. None of the networks here
# has all of its weights under one of them, so that taking them off is never a matter of taste.
_WRAPPERS = ("module.", "model.", "net.", "network.", "backbone.")
_LIGHTNING = "model."  # its loss head stands beside it
_COMPILED = "_orig_mod."  # torch.compile's, wherever a module was compiled
_COUNTERS = frozenset({"n_averaged", "steps"})  # torch's and mmengine's, beside averaged weights
_DEEPEST = 8  # wrappers around wrappers; nobody trains in more, and a hostile name can have any number


def without_wrappers(weights: Weights, path: Path) -> tuple[Weights, list[str]]:
    """Return the weights of `path` by their keys in the bare network, and remarks on what was taken off and left out.

    Raises `InputError` where what would be left out has names of the network, as averaged weights (EMA) beside the
    trained ones have: only the user knows which are meant.
    """
    named, compiled = _without_compiled(weights)
    wrappers = _wrappers(list(named))
    prefix = "".join(wrappers)
    bare = {key.removeprefix(prefix): tensor for key, tensor in named.items() if key.startswith(prefix)}
    beside = [key for key in named if not key.startswith(prefix)]
    _require_one_network(bare, beside, prefix, path)
    taken_off = [f"prefixes taken off: {', '.join([*compiled, *wrappers])}"] if compiled or wrappers else []
    return bare, [*taken_off, *([f"entries outside '{prefix}' left out: {len(beside)}"] if beside else [])]


def _without_compiled(weights: Weights) -> tuple[Weights, list[str]]:
    bare = {key.replace(_COMPILED, ""): tensor for key, tensor in weights.items()}
    # Two keys that become one are left alone, for the comparison with the network to name them.
    return (bare, [_COMPILED]) if len(bare) == len(weights) and bare.keys() != weights.keys() else (weights, [])


def _wrappers(names: list[str]) -> list[str]:
    found: list[str] = []
    while len(found) < _DEEPEST and (prefix := _wrapper(names)):
        found.append(prefix)
        names = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return found


def _wrapper(names: list[str]) -> str | None:
    weights = [name for name in names if name not in _COUNTERS]
    around_all = (prefix for prefix in _WRAPPERS if weights and all(name.startswith(prefix) for name in weights))
    lightning = _LIGHTNING if any(name.startswith(_LIGHTNING) for name in weights) else None
    return next(around_all, lightning)


def _require_one_network(bare: Weights, beside: list[str], prefix: str, path: Path) -> None:
    if again := [key for key in beside if not bare.keys().isdisjoint(_tails(key))]:
        what = f"holds the weights of one network more than once: under '{prefix}' and as {first_quoted(again)}"
        raise InputError(what, where=path, remedy=SAVE_ALONE)


def _tails(key: str) -> Iterator[str]:
    """Yield the key, and what is left of it behind every prefix."""
    parts = key.split(".", _DEEPEST)
    return (".".join(parts[first:]) for first in range(len(parts)))
