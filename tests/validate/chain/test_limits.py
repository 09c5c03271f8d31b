from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.policy import load_policy
from batchproof.validate.chain.limits import DEFAULT_LIMITS, chain_limits

POLICY = load_policy()


def test_a_precision_has_its_own_limits_end_to_end_and_shares_those_of_arithmetic() -> None:
    single, half = chain_limits(POLICY, "fp32"), chain_limits(POLICY, "fp16")
    assert single.alone == half.alone
    assert single.flow.max_abs < half.flow.max_abs
    assert (single.models, half.models) == (POLICY.fp32, POLICY.fp16)


def test_unknown_and_missing_keys_are_named(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(DEFAULT_LIMITS.read_text(encoding="utf-8").replace("aligned_px", "aligned"), encoding="utf-8")
    with pytest.raises(InputError, match=r"limits refused: .*fp32\.aligned"):
        chain_limits(POLICY, "fp32", path)
