from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts import json_file
from batchproof.artifacts.manifest import Manifest
from batchproof.bench.roofline import Roof
from batchproof.report.html import render
from batchproof.report.html.plot import Scale, powers, round_up
from batchproof.report.html.roofline_plot import roofline_plot
from batchproof.report.html.stage_bar import stage_bar
from batchproof.report.html.throughput_plot import throughput_plot
from tests.bench.files import ON_GPU, PIPELINE, SWEEP
from tests.report.html.document import Node, parsed
from tests.report.test_speed import benched

HOSTILE = '"><script>alert(1)</script>'


def section(manifest: Manifest, root: Path) -> Node:
    (found,) = (node for node in parsed(render(manifest, root)).all("section") if node.all("h2")[0].text == "Speed")
    return found


def marks(svg: Node) -> list[tuple[float, float]]:
    """Where the marks of a plot stand."""
    starts = (re.match(r"M([\d.]+) ([\d.]+)m", node.attributes["d"]) for node in svg.all("path", "mark"))
    return [(float(start[1]), float(start[2])) for start in starts if start]


def test_the_section_has_plots_tables_and_the_conditions(tmp_path: Path) -> None:
    root = section(benched(tmp_path), tmp_path)
    assert "Measured on a machine, 2 threads; threads as ONNX Runtime chooses" in root.text
    labels = [node.attributes["aria-label"] for node in root.all("svg", "plot")]
    assert labels[0] == "Throughput of det by batch"
    assert labels[1].startswith("Roofline of det: the ridge is at 10 FLOP/byte")
    assert labels[2] == "letterbox 1 ms, 10%; detect 6 ms, 60%; embed 3 ms, 30%"
    assert [item.text for item in root.all("ul", "legend")[0].all("li")] == [
        "fp16 on ort",
        "fp16 on ort-cuda",
        "the roof, 100 GFLOP/s, 10 GB/s, ridge at 10 FLOP/byte",
    ]
    assert "7 Relu" in root.text


def test_a_store_without_measurements_has_no_section(tmp_path: Path) -> None:
    assert "section-Speed" not in render(Manifest("empty"), tmp_path)


def test_throughput_rises_upwards_over_batches_that_double_from_left_to_right() -> None:
    plot = parsed(throughput_plot([SWEEP]))
    (one, four, eight) = marks(plot)
    assert eight[0] - four[0] == pytest.approx((four[0] - one[0]) / 2, abs=0.1)  # log2: two doublings, then one
    assert four[1] < one[1]  # 80 images/s stand above 50
    assert one[1] == pytest.approx(eight[1], abs=0.1)  # 50 both
    told = [node.text for node in plot.all("title")]
    assert told[1] == "det.fp16 on ort, batch 4: 80 images/s"


def test_the_roof_has_its_ridge_where_slope_and_top_meet() -> None:
    (svg,) = parsed(roofline_plot([SWEEP])).all("svg")
    (path,) = svg.all("path", "roof")
    slope, ridge, end = (tuple(map(float, corner.split())) for corner in path.attributes["d"][1:].split("L"))
    assert slope[0] < ridge[0] < end[0]
    assert slope[1] > ridge[1] == end[1]
    assert all(y >= ridge[1] - 0.1 for x, y in marks(svg)[:1])  # 62.5 of 100 GFLOP/s stand below the roof


def test_what_has_no_roof_has_no_plot_of_it() -> None:
    assert roofline_plot([ON_GPU]) == ""
    assert len(marks(parsed(roofline_plot([ON_GPU, SWEEP])))) == len(SWEEP.batches)


def test_one_batch_alone_can_be_drawn() -> None:
    alone = replace(SWEEP, batches=SWEEP.batches[:1], roof=Roof(40, 5))
    assert len(marks(parsed(throughput_plot([alone])))) == 1
    assert len(marks(parsed(roofline_plot([alone])))) == 1


def test_stages_stand_side_by_side_as_wide_as_their_share() -> None:
    bars = parsed(stage_bar(PIPELINE)).all("rect")
    found = [(float(bar.attributes["x"]), float(bar.attributes["width"])) for bar in bars]
    assert found == [(0, 36), (36, 216), (252, 108)]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    manifest = benched(tmp_path)
    sweep = replace(SWEEP, model=HOSTILE, subject=f"{HOSTILE}.fp16", backend=HOSTILE, runner=HOSTILE)
    pipeline = replace(PIPELINE, detector=HOSTILE, stages_of=HOSTILE)
    (tmp_path / "bench" / "det.fp16.ort.json").write_bytes(json_file.write(sweep))
    (tmp_path / "bench" / "det+emb.pipeline.json").write_bytes(json_file.write(pipeline))
    root = section(manifest, tmp_path)
    assert not root.all("script")
    assert HOSTILE in root.text
    assert not [name for node in root.all("*") for name in node.attributes if name == "style" or name.startswith("on")]


@pytest.mark.parametrize(("value", "expected"), [(0.3, 0.5), (1, 1), (1.1, 2), (21, 25), (99, 100), (260, 500)])
def test_steps_of_an_axis_are_round(value: float, expected: float) -> None:
    assert round_up(value) == pytest.approx(expected)


def test_powers_enclose_what_they_are_for() -> None:
    assert powers(2, 1, 32) == [1, 2, 4, 8, 16, 32]
    assert powers(10, 0.5, 120) == [0.1, 1, 10, 100, 1000]
    assert powers(2, 4, 4) == [4, 8]


def test_a_logarithmic_scale_has_equal_steps_for_equal_factors() -> None:
    scale = Scale(1, 16, 0, 100, logarithmic=True)
    assert [scale(value) for value in (1, 4, 16)] == pytest.approx([0, 50, 100])
    assert Scale(0, 10, 100, 0)(2.5) == pytest.approx(75)
