from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from batchproof.deploy.triton.serving.pipeline_file import read_pipeline
from batchproof.errors import InputError
from tests.deploy.triton.serving.tiny_pipeline import PIPELINE


def described() -> dict[str, Any]:
    return {"format": 1, **asdict(PIPELINE)}


def write(folder: Path, content: object) -> Path:
    path = folder / "pipeline.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = read_pipeline(write(tmp_path, described()))
    assert found == PIPELINE
    assert [head.name for head in found.landmarkers] == ["2d106det"]
    assert found.attributes == PIPELINE.heads[1]


def test_a_pipeline_may_have_no_heads(tmp_path: Path) -> None:
    found = read_pipeline(write(tmp_path, {**described(), "heads": []}))
    assert (found.heads, found.landmarkers, found.attributes) == ((), (), None)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        None,
        {**described(), "format": 2},
        {**described(), "detector": None},
        {**described(), "heads": [{"name": "x"}]},
        {**described(), "embedder": {**described()["embedder"], "spec": {"family": "arcface"}}},
    ],
)
def test_what_describes_no_pipeline_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(InputError, match=r"pipeline\.json: describes no pipeline .*Deploy again"):
        read_pipeline(write(tmp_path, content))


@pytest.mark.parametrize("text", ["", "{", "\x00"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pipeline.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"pipeline\.json: cannot be read .*Deploy the repository again"):
        read_pipeline(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_pipeline(tmp_path / "pipeline.json")
