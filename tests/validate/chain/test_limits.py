from __future__ import annotations

from batchproof.policy import load_policy
from batchproof.validate.chain.limits import limits_of


def test_a_precision_has_its_own_limits_end_to_end_and_shares_those_of_arithmetic() -> None:
    policy = load_policy()
    single, half = limits_of(policy, "fp32"), limits_of(policy, "fp16")
    assert single.alone == half.alone == policy.arithmetic
    assert single.models.chain.max_abs < half.models.chain.max_abs
    assert (single.models, half.models) == (policy.fp32, policy.fp16)
