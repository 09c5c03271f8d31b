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


def test_a_file_that_is_gone_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        sweep_file.read(tmp_path / "none.json")
