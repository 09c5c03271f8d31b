from __future__ import annotations

import math

import pytest

from batchproof.validate.chain.table import ChainTable, Inputs, Row, chain_verdicts
from batchproof.verdict import Status


def row(stage: str, difference: float | None, inputs: Inputs = "insightface's") -> Row:
    return Row(stage, inputs, difference, "px", 0.5, "a.jpg, face 1" if difference else None)


@pytest.mark.parametrize(("difference", "departs"), [(None, False), (0.5, False), (0.6, True), (math.nan, True)])
def test_what_is_above_its_threshold_departs(difference: float | None, departs: bool) -> None:
    assert row("nms", difference).departs == departs


def test_the_stage_at_fault_comes_before_those_that_inherit_it() -> None:
    table = ChainTable((row("blob", 0.0), row("blob", 3.0, "ours"), row("nms", 2.0), row("crop", 4.0)))
    assert table.sentence == (
        "first departing stage: nms, given insightface's inputs, by 2 px (limit 0.5), a.jpg, face 1"
    )


def test_differences_that_add_up_are_found_end_to_end() -> None:
    table = ChainTable((row("blob", 0.4), row("blob", 0.4, "ours"), row("nms", 0.4), row("nms", 0.8, "ours")))
    assert table.sentence.startswith("first departing stage: nms, end to end, by 0.8 px")
    assert table.alone.sentence == "first departing stage: none of 2"


def test_verdicts_name_stage_and_inputs() -> None:
    table = ChainTable((row("nms", 0.1), row("nms", 2.0, "ours"), row("crop", None)))
    verdicts = chain_verdicts(table, "det.fp32")
    assert [(verdict.check, verdict.status) for verdict in verdicts] == [
        ("parity.chain", Status.FAIL),
        ("parity.chain.nms", Status.PASS),
        ("parity.chain.nms.end_to_end", Status.FAIL),
        ("parity.chain.unreached", Status.NOT_RUN),
    ]
    assert verdicts[3].reason == "nothing to compare at crop: no picture has a face that gets there"
    assert verdicts[0].witness == "nms"
    assert (verdicts[2].figure, verdicts[2].threshold, verdicts[2].witness) == (2.0, 0.5, "a.jpg, face 1")
    assert {verdict.subject for verdict in verdicts} == {"det.fp32"}


def test_a_chain_in_which_nothing_was_compared_is_no_success() -> None:
    (summary, _) = chain_verdicts(ChainTable((row("nms", None),)), "model", "parity.other")
    assert (summary.check, summary.status) == ("parity.other", Status.NOT_RUN)
