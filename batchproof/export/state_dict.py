"""Finding the one network in what a checkpoint holds: training code keeps its weights in many places, and says none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.key_names import first_quoted, quoted
from batchproof.export.plain_tensors import are_equal, is_plain
from batchproof.export.recognise_weights import resembles_known
from batchproof.export.torch_file import SAVE_ALONE
from batchproof.export.wrappers import Weights, without_wrappers

_USUAL = "state_dict"  # where mmdetection and Lightning keep it: nothing to remark


@dataclass(frozen=True)
class _Found:
    """A state dict under a key of the file, without what is wrapped around its network."""

    key: object
    weights: Weights
    remarks: list[str]


def find_state_dict(loaded: object, path: Path) -> tuple[Weights, list[str]]:
    """Return the state dict in `loaded`, itself or the value of one of its keys, bare, and remarks on how it was.

    Of several the only one that resembles a known network is taken, so that a loss head may stand beside it. Raises
    `InputError` where another has entries of the same names and not the same numbers, as averaged weights (EMA) have
    beside the trained ones: only the user knows which are meant. Raises it too where none or several resemble one, as
    `without_wrappers` does, and where there is no state dict.
    """
    if _is_state_dict(loaded):
        return without_wrappers(dict(loaded), path)
    entries = [(key, dict(value)) for key, value in _entries(loaded).items() if _is_state_dict(value)]
    if not entries:
        raise _absent(_entries(loaded), path)
    found = [_Found(key, *without_wrappers(weights, path)) for key, weights in entries]
    taken, *rivals = _without_repeats(_meant(found))
    if rivals:
        raise _ambiguous([taken, *rivals], path)
    return taken.weights, [*_whereabouts(taken, found), *taken.remarks]


def _meant(found: list[_Found]) -> list[_Found]:
    """Leave out what shares no name with a network; where nothing resembles one, all may be meant."""
    names = {name for one in found if _resembles_known(one.weights) for name in one.weights}
    return [one for one in found if not names.isdisjoint(one.weights)] or found


def _resembles_known(weights: Weights) -> bool:
    return all(is_plain(tensor) for tensor in weights.values()) and resembles_known(weights)


def _without_repeats(found: list[_Found]) -> list[_Found]:
    kept: list[_Found] = []
    for one in found:
        if not any(_are_equal(one.weights, other.weights) for other in kept):
            kept.append(one)
    return kept


def _are_equal(first: Weights, second: Weights) -> bool:
    return first.keys() == second.keys() and all(are_equal(first[key], second[key]) for key in first)


def _whereabouts(taken: _Found, found: list[_Found]) -> list[str]:
    others = [one.key for one in found if one is not taken]
    if not others and taken.key == _USUAL:
        return []
    return [f"taken from {quoted(taken.key)}", *([f"{first_quoted(others)} left out"] if others else [])]


def _entries(loaded: object) -> Mapping[object, object]:
    return loaded if isinstance(loaded, Mapping) else {}


def _is_state_dict(value: object) -> TypeGuard[Mapping[str, Tensor]]:
    entries = _entries(value)
    return bool(entries) and all(isinstance(key, str) and isinstance(entries[key], Tensor) for key in entries)


def _absent(entries: Mapping[object, object], path: Path) -> InputError:
    foreign = [key for key, value in entries.items() if not isinstance(value, Tensor)]
    if 0 < len(foreign) < len(entries):
        return InputError(f"no state dict: its entry {quoted(foreign[0])} is no tensor", where=path, remedy=SAVE_ALONE)
    deeper = [
        (key, inner) for key in entries for inner, value in _entries(entries[key]).items() if _is_state_dict(value)
    ]
    if deeper:
        what = f"holds a state dict one level too deep, in {first_quoted(key for key, _ in deeper)}"
        return InputError(what, where=path, remedy=_save_alone(path, *deeper[0]))
    return InputError("holds no state dict", where=path, remedy=SAVE_ALONE)


def _ambiguous(found: list[_Found], path: Path) -> InputError:
    keys = [one.key for one in found]
    what = f"holds several state dicts that may be meant: {first_quoted(keys)}"
    return InputError(what, where=path, remedy=_save_alone(path, keys[0]))


def _save_alone(path: Path, *keys: object) -> str:
    one = f"torch.load({path.name!r}, weights_only=True)" + "".join(f"[{quoted(key)}]" for key in keys)
    return f"Save the ones you mean alone, such as torch.save({one}, 'weights.pt')"
