"""What an operator may set in the configuration of `faces`, under `parameters`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from batchproof.errors import InputError


@dataclass(frozen=True)
class Parameters:
    """Smallest score of a face, largest overlap of two, and how many to keep (0: all); then sizes.

    `height` and `width` are those of the detector's input in pixels, `max_megapixels` what a frame may have at most.
    """

    threshold: float = 0.5
    iou: float = 0.4
    max_num: int = 0
    height: int = 640
    width: int = 640
    max_megapixels: int = 25

    @property
    def max_pixels(self) -> int:
        """Pixels that a frame may have at most."""
        return self.max_megapixels * 1_000_000


_LARGEST = {"threshold": 1.0, "iou": 1.0, "max_megapixels": 1000}
_SMALLEST = {"height": 1, "width": 1, "max_megapixels": 1}


def read_parameters(config: Mapping[str, Any]) -> Parameters:
    """Read the parameters of a model's configuration, as Triton hands it to `initialize`.

    Raises `InputError`, naming the parameter, for unknown ones and impossible values.
    """
    types: dict[str, type] = {field.name: type(field.default) for field in fields(Parameters)}
    # Names in capitals are Triton's own, such as EXECUTION_ENV_PATH.
    given = {name: value["string_value"] for name, value in config.get("parameters", {}).items() if not name.isupper()}
    unknown = sorted(set(given) - set(types))
    if unknown:
        raise InputError(f"unknown parameter '{unknown[0]}'", remedy=f"There are {', '.join(types)}")
    return Parameters(**{name: _value(name, text, types[name]) for name, text in given.items()})


def _value(name: str, text: str, kind: type) -> Any:
    smallest, largest = _SMALLEST.get(name, 0), _LARGEST.get(name, math.inf)
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not smallest <= value <= largest:
        what = "a whole number" if kind is int else "a number"
        limit = f" from {smallest} to {largest:g}" if largest < math.inf else f", {smallest} or more"
        raise InputError(f"parameter '{name}' is '{text}'", remedy=f"Give {what}{limit}")
    return value
