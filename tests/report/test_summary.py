from __future__ import annotations

from pathlib import Path

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.report import markdown
from batchproof.report.summary import matrix, worth_reading
from batchproof.verdict import Status, Verdict


def manifest(*verdicts: Verdict) -> Manifest:
    return Manifest("p", records=(Record("validate", "probe", "r", "key", verdicts=verdicts),))


def test_a_cell_shows_the_gravest_answer_of_its_column() -> None:
    heads, rows = matrix(
        manifest(
            Verdict("probe.contamination", "a.fp32", Status.PASS, ""),
            Verdict("probe.non_invariance", "a.fp32", Status.FAIL, ""),
            Verdict("build.tensorrt", "a.fp32", Status.NOT_RUN, ""),
            Verdict("probe.contamination", "b.fp32", Status.PASS, ""),
        )
    )
    assert heads == ["artifact", "tensorrt", "probe"]
    assert [[cell.text for cell in row] for row in rows] == [["a.fp32", "not_run", "fail"], ["b.fp32", "", "pass"]]


def test_a_cell_that_was_partly_run_is_marked() -> None:
    _, rows = matrix(
        manifest(
            Verdict("build.rtx.compiles", "a", Status.PASS, ""), Verdict("build.rtx.executes", "a", Status.NOT_RUN, "")
        )
    )
    assert rows[0][1].text == "pass*"


def test_what_failed_comes_first_and_what_repeats_comes_once() -> None:
    absent = "tensorrt is not installed"
    found = worth_reading(
        manifest(
            Verdict("build.tensorrt", "a", Status.NOT_RUN, absent),
            Verdict("build.tensorrt", "b", Status.NOT_RUN, absent),
            Verdict("parity.boxes", "b", Status.FAIL, "a face moved"),
            Verdict("parity.boxes", "a", Status.PASS, "same faces"),
        )
    )
    assert [(verdict.subject, count) for verdict, count in found] == [("b", 1), ("a", 2)]


def test_the_report_holds_every_figure_and_survives_bars_in_text(tmp_path: Path) -> None:
    text = markdown.render(
        manifest(Verdict("parity.boxes", "a", Status.FAIL, "one | two", 0.25, 0.05, "px", "lumia.jpg")), tmp_path
    )
    assert "| a | parity.boxes | fail | 0.25 px (limit 0.05) | one \\| two (witness: lumia.jpg) |" in text
