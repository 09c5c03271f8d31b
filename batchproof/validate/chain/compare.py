"""The chain compared: every stage on insightface's inputs, and all of them end to end."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Detections
from batchproof.validate.chain.gap import Gap, Pairing, Pairs, by_place, in_order
from batchproof.validate.chain.limits import Limits
from batchproof.validate.chain.measures import Measure, Sides, measures
from batchproof.validate.chain.stages import Stages, Walk, isolated, walk
from batchproof.validate.chain.table import ChainTable, Inputs, Row
from batchproof.validate.chain.trace import FACE_FIELDS, Scene, Trace


@dataclass(frozen=True)
class Comparison:
    """The table of all stages, and both sides end to end, reduced to the faces that both selected."""

    table: ChainTable
    found: Sides


def compare_chain(ours: Stages, scene: Scene, theirs: Trace, limits: Limits) -> Comparison:
    """Compare `ours` with `theirs`, what insightface made of `scene` (`original_trace`), stage by stage.

    Raises whatever a stage raises that is no `BatchproofError`; those make the stage depart, and end the chain.
    """
    alone, flow = isolated(ours, scene, theirs), walk(ours, scene)
    near, moved = limits.alone.pixels, limits.models.detector
    decided = scene.detection.threshold + moved.score_shift
    same = _sides(scene, theirs, alone.trace, in_order, near, -math.inf)
    found = _paired(_sides(scene, theirs, flow.trace, by_place, moved.box_shift_px, decided))
    sides = {"insightface's": same, "ours": found}
    given: tuple[tuple[Inputs, Walk], ...] = (("insightface's", alone), ("ours", flow))
    rows = [
        _row(measure, threshold, inputs, taken, sides[inputs])
        for measure in measures(ours.detector.spec, ours.embedder.spec, limits)
        for threshold, (inputs, taken) in zip((measure.alone, measure.flow), given, strict=True)
        if threshold is not None
    ]
    return Comparison(ChainTable(tuple(rows)), found)


def _row(measure: Measure, threshold: float, inputs: Inputs, taken: Walk, sides: Sides) -> Row:
    gap = _gap(measure, taken, sides)
    return Row(measure.stage, inputs, gap.amount, measure.unit, threshold, gap.witness)


def _gap(measure: Measure, taken: Walk, sides: Sides) -> Gap:
    if measure.field in taken.failed:
        return Gap(math.inf, taken.failed[measure.field])
    if measure.field not in taken.trace:
        return Gap(None, f"not reached: {next(iter(taken.failed))} failed before")
    return measure.gap(sides)


def _sides(scene: Scene, theirs: Trace, ours: Trace, pair: Pairing, reach: float, decided: float) -> Sides:
    """Both sides as they are: given the same faces, row i is about the same one."""
    names = list(_names(scene, theirs["faces"]))
    return Sides(theirs, ours, [picture.name for picture in scene.pictures], names, pair, reach, decided)


def _paired(sides: Sides) -> Sides:
    """Both sides reduced to the faces that both selected; that others are missing, the selection says."""
    if "faces" not in sides.ours:
        return sides
    first, second = _pairs(sides.theirs["faces"], sides.ours["faces"])
    names = [sides.faces[index] for index in first]
    return replace(sides, theirs=_taken(sides.theirs, first), ours=_taken(sides.ours, second), faces=names)


def _names(scene: Scene, faces: Iterable[Detections]) -> Iterable[str]:
    for picture, found in zip(scene.pictures, faces, strict=True):
        yield from (f"{picture.name}, face {index}" for index in range(len(found)))


def _pairs(theirs: list[Detections], ours: list[Detections]) -> Pairs:
    """Pair the faces of all pictures, by their numbers among those of all pictures."""
    matched = [by_place(first, second) for first, second in zip(theirs, ours, strict=True)]
    starts = [np.cumsum([0, *(len(found) for found in side)]) for side in (theirs, ours)]
    first, second = (
        np.concatenate([pairs[side] + start for pairs, start in zip(matched, starts[side], strict=False)])
        for side in (0, 1)
    )
    return first.astype(np.intp), second.astype(np.intp)


def _taken(trace: Trace, faces: NDArray[np.intp]) -> Trace:
    """Keep these faces of all that the chain holds one row a face of."""
    taken = trace.copy()
    for field in FACE_FIELDS:
        if field in trace:
            taken[field] = trace[field][faces]
    if "cosines" in trace:
        taken["cosines"] = trace["cosines"][np.ix_(faces, faces)]
    return taken
