from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts import json_file, layout
from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.bench.pipeline_file import PipelineFile
from batchproof.errors import StoreError
from batchproof.report import markdown, speed
from tests.bench.files import ON_GPU, PIPELINE, SWEEP


def benched(root: Path, pipeline: PipelineFile = PIPELINE) -> Manifest:
    """A store with two engines of one graph, one pipeline, and an engine that was not run."""
    contents = {
        ("bench.ort", "det.fp16", "ort"): json_file.write(SWEEP),
        ("bench.ort-cuda", "det.fp16", "ort-cuda"): json_file.write(ON_GPU),
        ("bench.pipeline", "det+emb", "pipeline"): json_file.write(pipeline),
    }
    records = [Record("bench", "bench.rtx", "det.fp16", "")]
    for (check, subject, backend), content in contents.items():
        path = layout.benchmark(subject, backend)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        made = Artifact(path, "0" * 64, len(content))
        records.append(
            Record("bench", check, subject, "k", artifacts=(made,), machine="a machine", finished="2026-11-28")
        )
    return Manifest("models", records=tuple(records))


def test_everything_that_was_measured_is_found(tmp_path: Path) -> None:
    assert speed.measured(benched(tmp_path), tmp_path) == speed.Measured((SWEEP, ON_GPU), (PIPELINE,))


def test_a_file_that_is_gone_is_left_out_and_a_damaged_one_told(tmp_path: Path) -> None:
    manifest = benched(tmp_path)
    (tmp_path / "bench" / "det.fp16.ort.json").unlink()
    assert speed.measured(manifest, tmp_path).sweeps == (ON_GPU,)
    (tmp_path / "bench" / "det.fp16.ort-cuda.json").write_text("{}")
    with pytest.raises(StoreError, match="not what this version writes"):
        speed.measured(manifest, tmp_path)


def test_engines_have_a_row_for_each_batch() -> None:
    rows = speed.engine_table([SWEEP, ON_GPU]).rows
    assert rows[1] == ("det.fp16 on ort", "4", "50", "75", "100", "45", "80", "1.60", "40", "100%", "20")
    assert rows[4][9] == ""  # no roof
    assert len(rows) == 6
    assert speed.engine_table([SWEEP], "det").rows[0][0] == "fp16 on ort"


def test_work_stands_with_what_was_reached_at_the_best_batch() -> None:
    on_cpu, on_gpu = speed.work_table([SWEEP, ON_GPU]).rows
    assert on_cpu == ("det.fp16 on ort", "640x480", "0.5", "2", "50", "19.8", "100", "100", "compute")
    assert on_gpu[5:] == ("", "", "", "")


def test_a_pipeline_has_times_and_ratios_for_each_picture() -> None:
    first, second, everything = speed.pipeline_table(PIPELINE).rows
    assert first == ("a.jpg", "2", "2.00", "4.00", "1.50", "60", "45", "30", "1.000000", "10")
    assert (second[0], second[8]) == ("b.jpg", "")
    assert everything[0] == "all in one call"


def test_stages_have_their_shares() -> None:
    assert speed.stage_table(PIPELINE).rows == [
        ("letterbox", "1", "10%"),
        ("detect", "6", "60%"),
        ("embed", "3", "30%"),
    ]


def test_clocks_that_several_have_in_common_stand_there_once() -> None:
    found = speed.Measured((SWEEP, replace(SWEEP, subject="det.fp32")), (PIPELINE,))
    clock, gpu = speed.clock_table(found).rows
    assert clock == ("CPU clock (MHz)", "2000 to 2500", "1900 to 2400", "det.fp16, det.fp32, det+emb")
    assert gpu[1] == "not readable"


@pytest.mark.parametrize(
    ("threads", "told"), [(None, "threads as ONNX Runtime chooses"), (1, "1 thread"), (8, "8 threads")]
)
def test_threads_are_told(threads: int | None, told: str) -> None:
    assert speed.on_threads(threads) == told


def test_markdown_has_the_tables_of_a_store_that_was_measured_and_no_section_otherwise(tmp_path: Path) -> None:
    text = markdown.render(benched(tmp_path), tmp_path)
    assert "| det.fp16 on ort | 4 | 50 | 75 | 100 | 45 | 80 | 1.60 | 40 | 100% | 20 |" in text
    assert "| a.jpg | 2 | 2.00 | 4.00 | 1.50 | 60 | 45 | 30 | 1.000000 | 10 |" in text
    assert "Speed" not in markdown.render(Manifest("empty"), tmp_path)
