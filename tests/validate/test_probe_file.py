from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from batchproof.artifacts import json_file
from batchproof.errors import InputError, StoreError
from batchproof.validate.findings import Difference, ProbeResult, Witness
from batchproof.validate.heat_map import HeatMap
from batchproof.validate.probe_file import ProbeFile, read

BROKEN = Witness(np.inf, "embedding", 2, 1, "nan", (0,))
RESULT = ProbeResult(
    runner="onnxruntime cpu, optimised",
    height=96,
    width=160,
    batch_sizes=(1, 2),
    contamination=Difference({"embedding": (0.0, np.inf)}, BROKEN),
    permutation=Difference({"embedding": (0.0, 0.0)}),
    non_invariance=Difference({"embedding": (1e-7, 0.0)}, Witness(1e-7, "embedding", 2, 0)),
    heat_map=HeatMap(("nan",), ((0.0, 0.0), (np.inf, 0.0))),
    label="session",
)
PROBED = ProbeFile("rec.fp32", (RESULT,))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "rec.fp32.probe.json"
    path.write_bytes(json_file.write(PROBED))
    return path


def test_what_was_written_is_read_again_infinity_included(written: Path) -> None:
    assert read(written) == PROBED


def test_the_file_is_json_that_everybody_reads(written: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    plain = json.loads(written.read_text(encoding="utf-8"), parse_constant=refuse)
    assert plain["results"][0]["heat_map"]["changes"] == [[0.0, 0.0], ["Infinity", 0.0]]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"format": 1', '"format": 2', "has format 2, this version reads 1"),
        ('"subject"', '"object"', "at 'subject'"),
        ('"height": 96', '"height": 96, "depth": 3', "at 'results.0.depth'"),
        ('"nan"', "3", "at 'results.0."),
        ("{", "", "Invalid JSON"),
        ('"Infinity",\n', "\n", "need"),
    ],
)
def test_anything_else_is_refused_by_name(written: Path, old: str, new: str, sentence: str) -> None:
    text = written.read_text(encoding="utf-8")
    assert old in text
    written.write_text(text.replace(old, new, 1) if "Infinity" not in old else _without_a_square(text))
    with pytest.raises(StoreError, match=sentence):
        read(written)


def _without_a_square(text: str) -> str:
    plain = json.loads(text)
    plain["results"][0]["heat_map"]["changes"][0].pop()
    return json.dumps(plain)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none.json")
