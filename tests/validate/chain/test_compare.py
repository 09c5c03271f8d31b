"""Each mistake is pinned on the stage that makes it, whatever the later ones inherit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from batchproof.errors import StepFailedError
from batchproof.pipeline.decode import Detections
from batchproof.pipeline.pictures import Picture
from batchproof.validate.chain.compare import compare_chain
from batchproof.validate.chain.gap import Gap, by_place
from batchproof.validate.chain.measures import Sides, measures
from batchproof.validate.chain.original import original_trace
from batchproof.validate.chain.table import ChainTable
from batchproof.validate.chain.trace import Trace
from tests.pipeline.tiny_scrfd import SPEC
from tests.validate.chain.broken_stages import MISTAKES, bent, colours_swapped
from tests.validate.chain.tiny_chain import LIMITS, PICTURES, SCENE, TinyChain
from tests.validate.tiny_embedder import SPEC as EMBEDDER

HEADS = [output.name for output in SPEC.outputs]
STAGES = ["letterbox", "letterbox_scale", "blob", *HEADS, "decode_count", "decode_box", "decode_score", "nms", "select"]
STAGES += ["landmarks", "alignment", "crop", "crop_blob", "embedding", "normalised", "cosine"]


def departing(table: ChainTable) -> set[str]:
    return {row.stage for row in table.alone.rows if row.departs}


def test_our_stages_are_insightfaces(chain: TinyChain) -> None:
    table = chain.compared(chain.ours)
    assert [row.stage for row in table.alone.rows] == STAGES
    assert [row.inputs for row in table.rows[:2]] == ["insightface's", "ours"]
    assert all(row.difference is not None and not row.departs for row in table.rows)
    assert table.sentence == "first departing stage: none of 25"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_pinned_on_its_stage(chain: TinyChain, mistake: str) -> None:
    stage, exchanged = MISTAKES[mistake]
    table = chain.compared(replace(chain.ours, **exchanged))
    assert departing(table) == {stage}
    first = table.first_departing
    assert first is not None
    assert (first.stage, first.inputs) == (stage, "insightface's")
    assert first.witness is not None
    assert first.witness.split(",")[0] in {picture.name for picture in PICTURES}


@pytest.mark.parametrize("output", HEADS)
def test_a_bent_head_is_named(chain: TinyChain, output: str) -> None:
    assert departing(chain.compared(replace(chain.ours, detector=bent(chain.ours.detector, output)))) == {output}


def test_a_bent_embedder_is_named(chain: TinyChain) -> None:
    embedder = bent(chain.ours.embedder, "embedding")
    assert departing(chain.compared(replace(chain.ours, embedder=embedder))) == {"embedding"}


def test_a_fault_spreads_end_to_end(chain: TinyChain) -> None:
    table = chain.compared(replace(chain.ours, blob=colours_swapped))
    spread = [row.stage for row in table.rows if row.inputs == "ours" and row.departs]
    assert spread[0] == "blob"
    assert {"score_8", "nms", "landmarks"} <= set(spread)
    assert "blob, given insightface's inputs, by " in table.sentence


def test_a_stage_that_fails_departs_and_ends_the_chain(chain: TinyChain) -> None:
    def refuse(*_: Any) -> list[Detections]:
        raise StepFailedError("output 'score_8' is missing")

    table = chain.compared(replace(chain.ours, decode=refuse))
    first = table.first_departing
    assert first is not None
    assert (first.stage, first.difference, first.witness) == ("decode_count", math.inf, "output 'score_8' is missing")
    later = {row.inputs: row for row in table.rows if row.stage == "embedding"}
    assert later["insightface's"].difference == 0
    assert (later["ours"].difference, later["ours"].witness) == (None, "not reached: candidates failed before")


def test_without_faces_what_needs_one_is_not_compared(chain: TinyChain) -> None:
    scene = replace(SCENE, detection=replace(SCENE.detection, threshold=1.0))
    theirs = original_trace(chain.detector, chain.embedder, scene)
    rows = compare_chain(chain.ours, scene, theirs, LIMITS).table.rows
    compared = [row.stage for row in rows if row.inputs == "ours" and row.difference is not None]
    assert compared == ["letterbox", "blob", *HEADS]


def test_one_lost_face_shifts_no_others(chain: TinyChain) -> None:
    """End to end the faces that both sides have are paired."""

    def lose_the_first(boxes: np.ndarray, iou: float) -> np.ndarray:
        return np.asarray(chain.ours.nms(boxes, iou)[1:])

    scene = replace(SCENE, max_num=0, detection=replace(SCENE.detection, threshold=0.6))
    theirs = original_trace(chain.detector, chain.embedder, scene)
    table = compare_chain(replace(chain.ours, nms=lose_the_first), scene, theirs, LIMITS).table
    rows = {row.stage: row for row in table.rows if row.inputs == "ours"}
    assert rows["nms"].difference == len(PICTURES)
    assert not any(rows[stage].departs for stage in STAGES[STAGES.index("landmarks") :])


def test_a_changed_decision_is_counted_end_to_end_unless_it_is_noise(chain: TinyChain) -> None:
    clear = np.array([[1, 0.9, 0.5005], [0.9, 1, 0.1], [0.5005, 0.1, 1]], np.float32)
    theirs = Trace(cosines=clear)
    faces = [f"face {index}" for index in range(3)]

    def decided(ours: np.ndarray) -> Gap:
        (decision,) = (row for row in measures(SPEC, EMBEDDER, LIMITS) if row.stage == "decision")
        return decision.gap(Sides(theirs, Trace(cosines=ours), [], faces, by_place, 1, 0))

    assert decided(clear) == Gap(0.0)
    assert decided(np.where(clear == clear[0, 2], np.float32(0.4), clear)) == Gap(0.0)
    assert decided(np.where(clear == clear[0, 1], np.float32(0.4), clear)) == Gap(1.0, "face 0 and face 1")


def test_one_picture_alone_is_enough(chain: TinyChain) -> None:
    scene = replace(SCENE, pictures=[Picture("one.png", PICTURES[0].pixels)])
    theirs = original_trace(chain.detector, chain.embedder, scene)
    assert compare_chain(chain.ours, scene, theirs, LIMITS).table.first_departing is None
