"""The rules of a gate, read from a committed file: what a store must hold, and which figures are good enough."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config

from batchproof.artifacts import toml_file
from batchproof.policy import Limit
from batchproof.zoo.spec import Precision

DEFAULT_RULES = Path(__file__).parents[1] / "gate.toml"

Worse = Literal["higher", "lower"]
_EXACT_KEYS = ConfigDict(extra="forbid")


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class ModelRules:
    """The models that must be in the store; others may be there too."""

    expected: tuple[str, ...]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class LicenceRules:
    """Licences that anybody may use, by their identifier, and by model the others that somebody has read."""

    free: tuple[str, ...]
    acknowledged: dict[str, str]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Requirements:
    """The precisions in which every model must be there, and what each of these graphs must have passed."""

    precisions: Annotated[tuple[Precision, ...], Field(min_length=1)]
    checks: tuple[str, ...]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Limits:
    """The limits of every graph, then those of detectors, then that of embedders."""

    contamination: Limit
    non_invariance: Limit
    box_shift_px: Limit
    landmark_shift_px: Limit
    min_cosine: Annotated[float, Field(ge=-1, le=1)]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class HalfLimits(Limits):
    """As in FP32, and how many Casts the FP32 islands of a graph may cost."""

    island_casts: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class SizeRules:
    """The largest file of a kind, in bytes, and by how much a model's may grow, in parts of the baseline's."""

    onnx: Limit
    ort: Limit
    engine: Limit
    other: Limit
    growth: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Slack:
    """How much worse than the baseline a figure may be: by a part of it, or by an amount, whichever is more."""

    worse: Worse
    relative: Limit = 0.0
    absolute: Limit = 0.0


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class GateRules:
    """All rules. `regression` is by check, `unmeasured` by model: checks that no figure is asked of."""

    models: ModelRules
    licence: LicenceRules
    required: Requirements
    fp32: Limits
    fp16: HalfLimits
    bytes: SizeRules
    regression: dict[str, Slack]
    unmeasured: dict[str, tuple[str, ...]]


def load_rules(path: Path | None = None) -> GateRules:
    """Read the rules (TOML); without a path, those that come with Batchproof.

    Raises `InputError` that names every key that is unknown, missing, or has an impossible value.
    """
    return toml_file.read(path or DEFAULT_RULES, GateRules, called="gate policy", like=DEFAULT_RULES.name)
