"""Real weights and pictures: our stages are insightface's, its decisions are ours, and mistakes show where they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from batchproof.artifacts import onnx_file
from batchproof.pipeline.pictures import Picture, load_pictures
from batchproof.policy import load_policy
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.repair import repair
from batchproof.validate.chain.compare import compare_chain
from batchproof.validate.chain.limits import limits_of
from batchproof.validate.chain.original import WatchedDetector, WatchedEmbedder, original_trace
from batchproof.validate.chain.stages import Model, Stages, walk
from batchproof.validate.chain.trace import Scene, Trace
from batchproof.zoo.recognise import recognise
from tests.validate.chain.broken_stages import MISTAKES

OTHERS = ["det_500m", "scrfd_500m_bnkps_batch1", "scrfd_500m_kps_shapeop"]
LIMITS = limits_of(load_policy(), "fp32")
SAME_PERSON = 0.5
CROWDS = {"lumia.jpg", "solvay_conference_1927.png"}
NAMED = [
    "1/128 for the embedder",
    "BGR for the detector",
    "BGR for the embedder",
    "padding on all sides",
    "NMS without the +1",
]


@dataclass(frozen=True)
class RealChain:
    """One detector and the embedder, insightface's way on one scene, and our stages."""

    scene: Scene
    theirs: Trace
    ours: Stages


@pytest.fixture(scope="module")
def pictures(test_data: Path) -> dict[str, Picture]:
    """All pictures; the face that fills TH.png is found only with room around it."""
    found = {picture.name: picture for picture in [*load_pictures(test_data / "images"), *load_pictures(None)]}
    padded = np.pad(found["TH.png"].pixels, ((60, 60), (60, 60), (0, 0)))
    return {**found, "TH.png": Picture("TH.png", padded)}


def repaired(path: Path, batch: int) -> Model:
    model = onnx_file.read(path)
    recognition = recognise(model)
    runner = OnnxRuntimeRunner(repair(model, recognition).model.SerializeToString(), optimised=False)
    return Model(runner, recognition.spec, batch)


def real_chain(test_data: Path, name: str, pictures: list[Picture]) -> RealChain:
    files = [test_data / "models" / f"{file}.onnx" for file in (name, "mobilefacenet_112_batch1")]
    ours = Stages(repaired(files[0], 4), repaired(files[1], 8))
    detector, embedder = WatchedDetector(files[0], ours.detector.spec), WatchedEmbedder(files[1])
    scene = Scene(pictures).resized(detector.own_size)
    return RealChain(scene, original_trace(detector, embedder, scene), ours)


@pytest.fixture(scope="module")
def chain(test_data: Path, pictures: dict[str, Picture]) -> RealChain:
    return real_chain(test_data, "det_2.5g", list(pictures.values()))


def test_every_stage_is_insightfaces_on_all_pictures(chain: RealChain) -> None:
    table = compare_chain(chain.ours, chain.scene, chain.theirs, LIMITS).table
    assert table.sentence == "first departing stage: none of 25"
    assert all(row.difference is not None for row in table.rows)
    assert sum(map(len, chain.theirs["survivors"])) > 180


@pytest.mark.parametrize("name", OTHERS)
def test_other_detectors(test_data: Path, pictures: dict[str, Picture], name: str) -> None:
    found = real_chain(test_data, name, [pictures["TH1.jpg"], pictures["t1.jpg"]])
    table = compare_chain(found.ours, found.scene, found.theirs, LIMITS).table
    assert table.sentence == "first departing stage: none of 25"


@pytest.fixture(scope="module")
def small(test_data: Path, pictures: dict[str, Picture]) -> RealChain:
    """A portrait, and a crowd of faces so small that a pixel more in their areas decides about one of them."""
    crowd = cv2.resize(pictures["lumia.jpg"].pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return real_chain(test_data, "det_2.5g", [pictures["TH1.jpg"], Picture("crowd", crowd)])


@pytest.mark.parametrize("mistake", NAMED)
def test_mistakes_are_pinned(small: RealChain, mistake: str) -> None:
    stage, exchanged = MISTAKES[mistake]
    table = compare_chain(replace(small.ours, **exchanged), small.scene, small.theirs, LIMITS).table
    assert {row.stage for row in table.alone.rows if row.departs} == {stage}


def test_the_same_pairs_are_one_person(chain: RealChain) -> None:
    ours = walk(chain.ours, chain.scene).trace
    decisions = ours["cosines"] > SAME_PERSON
    np.testing.assert_array_equal(decisions, chain.theirs["cosines"] > SAME_PERSON)
    owners = [p.name for p, found in zip(chain.scene.pictures, ours["faces"], strict=True) for _ in found.scores]
    pairs = {(owners[first], owners[second]) for first, second in np.argwhere(np.triu(decisions, 1))}
    assert {pair for pair in pairs if not CROWDS & {*pair}} == {("TH.png", "TH1.jpg")}
