from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchproof.artifacts import json_file
from batchproof.bench import pipeline_file, sweep_file
from batchproof.errors import InputError, StoreError
from tests.bench.files import ON_GPU, PIPELINE, SWEEP


@pytest.mark.parametrize("measured", [SWEEP, ON_GPU], ids=["cpu", "gpu"])
def test_a_sweep_is_read_back_as_it_was_written(tmp_path: Path, measured: sweep_file.SweepFile) -> None:
    path = tmp_path / "sweep.json"
    path.write_bytes(json_file.write(measured))
    assert sweep_file.read(path) == measured


def test_a_pipeline_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.json"
    path.write_bytes(json_file.write(PIPELINE))
    assert pipeline_file.read(path) == PIPELINE


def unknown_key(document: dict[str, Any]) -> None:
    document["surprise"] = 1


def missing_key(document: dict[str, Any]) -> None:
    del document["readings"]


def no_number(document: dict[str, Any]) -> None:
    document["height"] = "tall"


def next_format(document: dict[str, Any]) -> None:
    document["format"] = 2


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (unknown_key, "at 'surprise'"),
        (missing_key, "at 'readings'"),
        (no_number, "at 'height'"),
        (next_format, "has format 2, this version reads 1"),
    ],
)
@pytest.mark.parametrize("module", [sweep_file, pipeline_file], ids=["sweep", "pipeline"])
def test_what_another_version_wrote_is_refused_by_name(
    tmp_path: Path, module: Any, spoil: Callable[[dict[str, Any]], None], told: str
) -> None:
    content = SWEEP if module is sweep_file else PIPELINE
    document = json.loads(json_file.write(content))
    spoil(document)
    path = tmp_path / "file.json"
    path.write_text(json.dumps(document))
    with pytest.raises(StoreError, match=told) as refused:
        module.read(path)
    assert "Run batchproof bench again" in refused.value.line()


@pytest.mark.parametrize(
    ("module", "place", "value"),
    [
        (sweep_file, ("batches",), []),
        (sweep_file, ("batches", 0, "batch"), 0),
        (sweep_file, ("batches", 0, "batch"), 10**19),
        (sweep_file, ("batches", 0, "images_per_second"), float("nan")),
        (sweep_file, ("batches", 0, "without_transfer", "p50_ms"), -1),
        (sweep_file, ("batches", 0, "roof", "flop_per_byte"), float("inf")),
        (sweep_file, ("work", "macs"), 10**400),
        (sweep_file, ("roof", "gigabytes_per_second"), 0),
        (pipeline_file, ("compared",), []),
        (pipeline_file, ("compared", 0, "batchproof", "best_ms"), 0),
        (pipeline_file, ("stages", 0, "best_ms"), 0),
    ],
    ids=str,
)
def test_what_nobody_can_have_measured_is_refused_before_a_report_divides_by_it(
    tmp_path: Path, module: Any, place: tuple[str | int, ...], value: object
) -> None:
    document = json.loads(json_file.write(SWEEP if module is sweep_file else PIPELINE))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path = tmp_path / "file.json"
    path.write_text(json.dumps(document))
    with pytest.raises(StoreError, match=r"at '" + r"\.".join(map(str, place))):
        module.read(path)


def test_a_file_that_is_gone_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        sweep_file.read(tmp_path / "none.json")
