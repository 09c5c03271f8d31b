"""Whatever is proven must hold on ONNX Runtime, for random graphs of all supported operators."""

from __future__ import annotations

import os
from collections import Counter

import onnx
from hypothesis import HealthCheck, given, settings

from batchproof.errors import BatchproofError
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.execution import not_a_number, violation
from tests.validate.independence.random_graphs import RandomGraph, graphs

# Raise for a session of thousands: BATCHPROOF_PROOF_EXAMPLES=20000.
EXAMPLES = int(os.environ.get("BATCHPROOF_PROOF_EXAMPLES", "1500"))

_VERDICTS = ("proven", "refuted", "unknown")
_OUTCOMES = ("holds", "violated", "has NaN", "does not run")
_ENOUGH = 1000

_COUNTS: Counter[tuple[str, str]] = Counter()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 1500)
@given(graphs())
def _proven_means_independent(random: RandomGraph) -> None:
    proof = prove(random.model)
    try:
        broken = violation(random.model, random.frame)
        outcome = "violated" if broken else "holds"
        if proof.status is Status.PROVEN and broken and not_a_number(random.model, random.frame):
            broken, outcome = None, "has NaN"
    except BatchproofError as error:
        # ONNX Runtime refuses the graph or a batch of one: nothing to compare, and nothing to have proven either.
        broken, outcome = str(error), "does not run"
    _COUNTS[proof.status.value, outcome] += 1
    assert proof.status is not Status.PROVEN or broken is None, f"{broken}\n{onnx.printer.to_text(random.model)}"


def test_what_is_proven_holds_and_most_graphs_are_decided() -> None:
    _COUNTS.clear()
    _proven_means_independent()
    print(_table())
    total = sum(_COUNTS.values())
    if total < _ENOUGH:
        return  # what follows is statistics
    undecided = sum(count for (verdict, _), count in _COUNTS.items() if verdict == "unknown")
    missed = _COUNTS["refuted", "holds"] + _COUNTS["unknown", "holds"]
    assert _COUNTS["proven", "holds"] > 0.2 * total, _table()
    assert undecided < 0.25 * total, _table()
    assert missed < 0.05 * total, _table()
    assert _COUNTS["proven", "has NaN"] < 0.001 * total, _table()


def _table() -> str:
    """The agreement of proof and runtime: verdicts down, outcomes across."""
    rows = [[verdict, *(str(_COUNTS[verdict, outcome]) for outcome in _OUTCOMES)] for verdict in _VERDICTS]
    return "\n" + "\n".join("".join(f"{cell:>14}" for cell in row) for row in [["", *_OUTCOMES], *rows])
