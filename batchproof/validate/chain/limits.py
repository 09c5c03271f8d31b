"""The thresholds of the chain: those of our arithmetic, and those of models of one precision."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.policy import ArithmeticLimits, Policy, PrecisionLimits
from batchproof.zoo.spec import Precision


@dataclass(frozen=True)
class Limits:
    """What a chain of models of one precision is judged by: `alone` on insightface's inputs, `models` end to end."""

    alone: ArithmeticLimits
    models: PrecisionLimits


def limits_of(policy: Policy, precision: Precision) -> Limits:
    """Put the thresholds for models of `precision` together."""
    return Limits(policy.arithmetic, policy.limits(precision))
