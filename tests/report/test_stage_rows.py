from __future__ import annotations

from dataclasses import replace

from batchproof.artifacts.manifest import Manifest
from batchproof.report.stage_rows import answer, chain_records, is_of_chain, stage_rows
from tests.report.chains import CHAIN, PICTURES, VERDICTS


def test_the_verdicts_of_a_stage_stand_in_one_row() -> None:
    nms, crop = stage_rows(CHAIN)
    assert (nms.stage, nms.alone, nms.end_to_end, nms.on_noise) == ("nms", VERDICTS[1], VERDICTS[2], VERDICTS[6])
    assert (crop.stage, crop.verdicts) == ("crop", [VERDICTS[3]])
    assert nms.verdicts == [VERDICTS[1], VERDICTS[2], VERDICTS[6]]  # failed ones too


def test_a_chain_is_told_from_other_parity() -> None:
    assert all(map(is_of_chain, VERDICTS))
    assert not is_of_chain(replace(VERDICTS[0], check="parity.chains"))
    assert not is_of_chain(replace(VERDICTS[0], check="parity.box_shift"))
    assert chain_records(Manifest("p", records=(PICTURES, CHAIN, replace(CHAIN, verdicts=())))) == [CHAIN]


def test_the_answer_is_the_summary_or_why_there_is_none() -> None:
    assert answer(CHAIN) == VERDICTS[0]
    failed = replace(VERDICTS[4], check="parity.chain.completes")
    assert answer(replace(CHAIN, verdicts=(failed,))) == failed
