"""`batchproof probe` and `parity` as processes: the heat map, and the networks that take upright faces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.test_cli import embedder
from tests.validate.tiny_faces import not_a_number, tiny_network

SVG = "{http://www.w3.org/2000/svg}"


def probe(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return batchproof("probe", *arguments)


def batchproof(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batchproof", *map(str, arguments), "--profile", "1,2,6"]
    return subprocess.run(command, env={**os.environ}, capture_output=True, text=True, timeout=60, check=False)


def sound(path: Path, *behind: onnx.NodeProto, **constants: list[int]) -> Path:
    """An embedder of free batch; `behind` makes `damaged` of its embedding `e`, if there is any."""
    model = embedder()
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    model.graph.node.extend(behind)
    model.graph.initializer.extend(numpy_helper.from_array(np.array(held), name) for name, held in constants.items())
    model.graph.output[0].name = "damaged" if behind else "e"
    onnx.save(model, path)
    return path


def first_for_all(path: Path) -> Path:
    row = helper.make_node("Gather", ["e", "first"], ["row"], axis=0)
    return sound(path, row, helper.make_node("Add", ["e", "row"], ["damaged"]), first=[0])


def flattened(path: Path) -> Path:
    flat = helper.make_node("Reshape", ["e", "flat"], ["flattened"])
    return sound(path, flat, helper.make_node("Concat", ["flattened", "flattened"], ["damaged"], axis=0), flat=[-1, 64])


@pytest.mark.parametrize(("make", "code", "pairs"), [(sound, 0, 0), (first_for_all, 1, 5)])
def test_the_heat_map_shows_which_slot_changes_which(
    tmp_path: Path, make: Callable[[Path], Path], code: int, pairs: int
) -> None:
    done = probe(make(tmp_path / "rec.onnx"), "--heat-map", tmp_path / "map.svg", "--json")
    assert done.returncode == code, done.stderr
    answer = json.loads(done.stdout)
    assert answer["heat_map"] == str(tmp_path / "map.svg")
    assert (answer["permutation"] == 0) == (code == 0)
    svg = Xml.parse(tmp_path / "map.svg").getroot()
    told = [text for text in (square.findtext(f"{SVG}title") for square in svg.iter(f"{SVG}rect")) if text]
    assert len(told) == pairs
    assert all(text.startswith("slot 0 changes slot ") for text in told)


def test_a_model_that_keeps_no_pictures_apart_has_no_heat_map(tmp_path: Path) -> None:
    done = probe(flattened(tmp_path / "rec.onnx"), "--heat-map", tmp_path / "map.svg", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["heat_map"] is None
    assert "no heat map, because" in done.stderr
    assert not (tmp_path / "map.svg").exists()


def test_a_heat_map_in_no_folder_is_refused_before_the_work(tmp_path: Path) -> None:
    done = probe(sound(tmp_path / "rec.onnx"), "--heat-map", tmp_path / "none" / "map.svg")
    assert done.returncode == 2
    assert "its folder does not exist" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_landmarks_are_compared_on_whole_pictures(tmp_path: Path) -> None:
    network = tiny_network(tmp_path, 3309)
    done = batchproof("parity", network.repaired, "--against", network.original, "--json")
    assert done.returncode == 0, done.stderr
    verdicts = {verdict["check"]: verdict for verdict in json.loads(done.stdout)["verdicts"]}
    assert set(verdicts) == {"parity.raw_landmarks", "parity.landmark_points", "parity.head_pose"}
    assert {verdict["status"] for verdict in verdicts.values()} == {"pass"}
    assert "2 whole pictures" in verdicts["parity.landmark_points"]["reason"]


@pytest.mark.parametrize("values", [3309, 3])
def test_an_original_that_gives_no_numbers_is_one_line_and_exit_1(tmp_path: Path, values: int) -> None:
    network = tiny_network(tmp_path, values)
    broken = not_a_number(network.original, tmp_path / "nan.onnx")
    done = batchproof("parity", network.repaired, "--against", broken)
    assert done.returncode == 1
    assert done.stderr == f"batchproof: error: {broken}: gives insightface NaN or infinite values for a face.\n"
