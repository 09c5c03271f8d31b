"""Whatever is proven must hold on ONNX Runtime, for random graphs of all supported operators."""

from __future__ import annotations

import os
from collections import Counter

import onnx
from hypothesis import HealthCheck, given, settings

from batchproof.errors import BatchproofError
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.execution import violation
from tests.validate.independence.random_graphs import graphs

# Raise for a session of thousands: BATCHPROOF_PROOF_EXAMPLES=20000.
EXAMPLES = int(os.environ.get("BATCHPROOF_PROOF_EXAMPLES", "600"))

_COUNTS: Counter[str] = Counter()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 600)
@given(graphs())
def _proven_means_independent(model: onnx.ModelProto) -> None:
    proof = prove(model)
    frame = tuple(dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:])
    try:
        broken = violation(model, frame)
        outcome = "violated" if broken else "holds"
    except BatchproofError as error:
        # ONNX Runtime refuses the graph or a batch of one: nothing to compare, and nothing to have proven either.
        broken, outcome = str(error), "does not run"
    _COUNTS[f"{proof.status.value}, {outcome}"] += 1
    assert proof.status is not Status.PROVEN or broken is None, f"{broken}\n{onnx.printer.to_text(model)}"


def test_what_is_proven_holds_and_most_graphs_are_decided() -> None:
    _COUNTS.clear()
    _proven_means_independent()
    print(dict(_COUNTS))
    total = sum(_COUNTS.values())
    undecided = sum(count for kind, count in _COUNTS.items() if kind.startswith("unknown"))
    missed = sum(count for kind, count in _COUNTS.items() if kind.endswith("holds") and not kind.startswith("proven"))
    assert _COUNTS["proven, holds"] > 0.2 * total, _COUNTS
    assert undecided < 0.15 * total, _COUNTS
    assert missed < 0.1 * total, _COUNTS
