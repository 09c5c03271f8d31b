"""The lines of the application against Batchproof's pipeline, on real pictures and real networks."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import enroll
from batchproof.pipeline import Detector, Embedder, FacePipeline, open_model
from batchproof.pipeline.align import norm_crops
from batchproof.pipeline.decode import Floats
from batchproof.pipeline.embed import normalised
from face_app import main
from tests.deploy.deepstream.align.faces import DETECTOR, embedder, repaired
from tests.deploy.deepstream.align.native import Native, build
from tests.deploy.deepstream.app.bundles import manifest, write_bundle
from tests.deploy.deepstream.app.conftest import Play
from tests.deploy.deepstream.app.known import known
from tests.deploy.deepstream.app.recorded import NETWORK, Seen, record
from tests.deploy.deepstream.app.service_maker_stand_in import BatchMetadata
from tests.deploy.deepstream.app.shim import Shim

THEM = "TH1.jpg", "TH.png"


@pytest.fixture(scope="module")
def network(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return embedder(test_data / "models", tmp_path_factory.mktemp("embedder"))


@pytest.fixture(scope="module")
def detector(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    folder = tmp_path_factory.mktemp("detector")
    return Detector(*open_model(repaired(test_data / "models" / f"{DETECTOR}.onnx", folder)))


@pytest.fixture(scope="module")
def seen(
    shim: Shim, detector: Detector, network: Embedder, test_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Seen]:
    native = Native(build(tmp_path_factory.mktemp("align")))
    return record(detector, network, test_data / "images", shim, native)


def lines(seen: list[Seen], play: Play, bundle: Path, *options: str) -> dict[str, list[dict[str, Any]]]:
    """Run the application on all pictures in one batch; return the lines of each."""
    write_bundle(bundle, manifest(streams=len(seen)))
    output = bundle / "faces.jsonl"
    play(lambda _: [BatchMetadata(*(each.frame for each in seen))])
    uris = [f"file:///{each.name}" for each in seen]
    assert main([*uris, "--headless", "--bundle", str(bundle), "--output", str(output), *options]) == 0
    listed: dict[str, list[dict[str, Any]]] = {each.name: [] for each in seen}
    for line in output.read_text().splitlines():
        face = json.loads(line)
        listed[seen[face["stream"]].name].append(face)
    return listed


def cosines(rows: list[dict[str, Any]], others: Floats) -> Floats:
    """Between the embeddings of lines and `others`, pair by pair."""
    pairs: Floats = (np.array([row["embedding"] for row in rows]) * others).sum(axis=1)
    return pairs


def test_lines_are_the_faces_of_the_pipeline(seen: list[Seen], network: Embedder, play: Play, bundle: Path) -> None:
    found = lines(seen, play, bundle, "--embeddings")
    assert sum(map(len, found.values())) == sum(len(each.faces) for each in seen) >= 188
    for each in seen:
        faces, rows = each.faces, found[each.name]
        assert len(rows) == len(faces) > 0
        np.testing.assert_allclose([row["score"] for row in rows], faces.scores, rtol=0, atol=1e-6)
        # insightface divides both axes by one scale, nvinfer each by its own.
        x, y = (scale / each.scale for scale in each.scales)
        boxes = np.array([row["box"] for row in rows]) * [x, y, x, y]
        inside = faces.boxes.clip(0, NETWORK / each.scale)
        np.testing.assert_allclose(boxes, inside, rtol=0, atol=1e-3)
        points = (known(faces.keypoints) / [x, y]).astype(np.float32)
        np.testing.assert_allclose([row["landmarks"] for row in rows], points, rtol=0, atol=1e-3)
        crops = norm_crops([each.pixels], [points], network.crop_size)
        assert cosines(rows, normalised(network.embed(crops))).min() >= 0.9999


def test_where_the_letterboxes_agree_embeddings_are_those_of_the_pipeline(
    seen: list[Seen], detector: Detector, network: Embedder, play: Play, bundle: Path
) -> None:
    found = lines(seen, play, bundle, "--embeddings")
    exact = [each for each in seen if each.scales == (each.scale, each.scale)]
    for each, faces in zip(exact, FacePipeline(detector, network).run(each.pixels for each in exact), strict=True):
        assert cosines(found[each.name], known(faces.normed_embeddings)).min() >= 0.9999
    assert len(exact) >= 2


def test_the_letterboxes_differ_by_less_than_a_row_and_its_columns(seen: list[Seen]) -> None:
    """What makes boxes of the application others than insightface's, in pixels of the network's input, at the edge."""
    for each in seen:
        height, width = each.pixels.shape[:2]
        apart = np.array([width, height]) * np.abs(np.array(each.scales) - each.scale)
        assert apart[0] < max(1, width / height)
        assert apart[1] < 1e-9


def test_the_same_man_is_enrolled_and_recognised_and_nobody_else(
    seen: list[Seen], test_data: Path, play: Play, bundle: Path, tmp_path: Path
) -> None:
    enrolled, other = THEM
    picture = next(each for each in seen if each.name == enrolled)
    people = tmp_path / "people" / "Tom"
    people.mkdir(parents=True)
    shutil.copy(test_data / "images" / enrolled, people)
    pipelines = play(lambda _: [BatchMetadata(replace(picture.frame, source_id=0))])
    gallery = tmp_path / "gallery.npz"
    assert enroll.main([str(people.parent), "-o", str(gallery), "--bundle", str(bundle)]) == 0
    mux = pipelines[0].elements["mux"][1]
    assert (mux["height"], mux["width"]) == picture.pixels.shape[:2]
    found = lines(seen, play, bundle, "--gallery", str(gallery))
    named = {name: [face["matches"] for face in faces if face["matches"]] for name, faces in found.items()}
    (((itself,),), ((match,),)) = named.pop(enrolled), named.pop(other)
    assert itself["cosine"] == pytest.approx(1, abs=1e-6)
    assert (match["name"], match["cosine"] >= 0.5) == ("Tom", True)
    assert not any(named.values())
