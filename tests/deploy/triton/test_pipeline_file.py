from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from batchproof.deploy.triton.batching import Batching
from batchproof.deploy.triton.pipeline_file import pipeline_file
from batchproof.deploy.triton.serving.pipeline_file import read_pipeline
from tests.deploy.triton.plans import plan


def test_what_is_written_is_what_the_model_reads(tmp_path: Path) -> None:
    batching = Batching((4,), 100, 4, "measured", "measured", measured=True)
    made = plan(embedder=replace(plan().embedder, batching=batching))
    path = tmp_path / "pipeline.json"
    path.write_text(pipeline_file(made))
    read = read_pipeline(path)
    networks = (read.detector, read.embedder, *read.heads)
    assert [(one.name, one.model, one.spec) for one in networks] == [
        (one.model.name, one.model.stem, one.model.spec) for one in made.networks
    ]
    assert [one.batch for one in networks] == [16, 4, 4, 4, 4]
