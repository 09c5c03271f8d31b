from __future__ import annotations

import pytest

from batchproof.policy import ProbeLimits
from batchproof.validate.findings import Difference, ProbeResult, Witness, verdicts, worst_mapped
from batchproof.validate.heat_map import HeatMap

LIMITS = ProbeLimits(contamination=0.0, non_invariance=1e-6)
NONE = Difference({})


def result(*, sizes: tuple[int, ...] = (1, 2), label: str = "", changes: float | None = None) -> ProbeResult:
    drawn = None if changes is None else HeatMap(("nan",), ((0.0, changes), (0.0, 0.0)))
    return ProbeResult("runner", 96, 160, sizes, NONE, NONE, NONE, heat_map=drawn, label=label)


@pytest.mark.parametrize(
    ("witness", "phrase"),
    [
        (Witness(1.0, "o", 5, 2), "output 'o', batch of 5, slot 2"),
        (Witness(1.0, "o", 5, 2, "nan", (0, 3)), "output 'o', batch of 5, slot 2, nan in slot 0, 3"),
        (Witness(1.0, "o", 5, 2, "reversed"), "output 'o', batch of 5, slot 2, reversed"),
    ],
)
def test_a_witness_is_one_phrase(witness: Witness, phrase: str) -> None:
    assert str(witness) == phrase


def test_checks_are_named_after_the_scene() -> None:
    plain = [verdict.check for verdict in verdicts(result(), "m", LIMITS)]
    assert plain == ["probe.rows", "probe.contamination", "probe.non_invariance"]
    labelled = {verdict.check for verdict in verdicts(result(label="session"), "m", LIMITS)}
    assert labelled == {f"{check}.session.96x160.batch_2" for check in plain}


@pytest.mark.parametrize(
    ("sizes", "text"),
    [((1, 2, 3, 5), "1, 2, 3, 5"), ((4, 6, 7, 8, 9, 31), "4, 6..9, 31"), ((7,), "7"), ((1, 2, 3, 4), "1..4")],
)
def test_long_runs_of_sizes_are_told_by_their_ends(sizes: tuple[int, ...], text: str) -> None:
    (rows, *_) = verdicts(result(sizes=sizes), "m", LIMITS)
    assert rows.reason.endswith(f", batches of {text})")


def test_the_result_to_draw_is_that_of_the_largest_change() -> None:
    unmapped, quiet, loud = result(), result(changes=0.0), result(changes=0.5)
    assert worst_mapped([unmapped, quiet, loud]) is loud
    assert worst_mapped([unmapped]) is None
