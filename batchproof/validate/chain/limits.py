"""The thresholds of the chain: the policy's where it has one, and those of `limits.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, with_config

from batchproof.artifacts import toml_file
from batchproof.policy import Limit, Policy, PrecisionLimits
from batchproof.zoo.spec import Precision

DEFAULT_LIMITS = Path(__file__).with_name("limits.toml")
_EXACT_KEYS = ConfigDict(extra="forbid")


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class AloneLimits:
    """Largest differences of our arithmetic on insightface's inputs: of pixel values, of values near 1, of places."""

    grey_levels: Limit
    unit: Limit
    pixels: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class FlowLimits:
    """Largest differences end to end, of what comes after the landmarks."""

    aligned_px: Limit
    grey_levels: Limit
    max_abs: Limit
    unit: Limit
    cosine: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class _File:
    alone: AloneLimits
    fp32: FlowLimits
    fp16: FlowLimits


@dataclass(frozen=True)
class ChainLimits:
    """What a chain of models of one precision is judged by; `models` are the policy's thresholds for them."""

    alone: AloneLimits
    flow: FlowLimits
    models: PrecisionLimits


def chain_limits(policy: Policy, precision: Precision, path: Path = DEFAULT_LIMITS) -> ChainLimits:
    """Put the thresholds for models of `precision` together.

    Raises `InputError` that names every key of `path` that is unknown, missing, or has an impossible value.
    """
    found = toml_file.read(path, _File, called="limits", like=DEFAULT_LIMITS.name)
    return ChainLimits(found.alone, found.fp32 if precision == "fp32" else found.fp16, policy.limits(precision))
