from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from batchproof.report.github import step_summary, workflow_commands
from batchproof.verdict import Status, Verdict

COMMAND = re.compile(r"::(error|warning) file=([^,:]*),title=([^,:]*)::(.*)")
HOSTILE = [
    "a\n::set-output name=x::y",
    "a\r::stop-commands::x",
    "det::error::,line=1:",
    "100%0A::error::x",
    "x\u2028::error::y",
    "\x1b]0;title\x07",
]


def verdict(status: Status, text: str = "det") -> Verdict:
    return Verdict(text, text, status, text, 0.25, 0.0, "px", text)


def test_what_does_not_hold_is_annotated_failures_as_errors_and_the_undecided_as_warnings() -> None:
    lines = list(workflow_commands([verdict(status) for status in Status], "artifacts/demo/manifest.json"))
    assert lines[0] == (
        "::error file=artifacts/demo/manifest.json,title=det det::fail: 0.25 px (limit 0): det (witness: det)"
    )
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::warning"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_ends_its_command_or_begins_another(text: str) -> None:
    (line,) = workflow_commands([verdict(Status.FAIL, text)], text)
    assert line.isprintable()
    found = COMMAND.fullmatch(line)
    assert found
    level, file, title, message = found.groups()
    assert level == "error"
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    assert (unquote(file), unquote(title)) == (shown, f"{shown} {shown}")
    assert unquote(message) == f"fail: 0.25 px (limit 0): {shown} (witness: {shown})"


def test_the_summary_counts_by_model_and_lists_what_does_not_hold() -> None:
    text = step_summary("Gate: pack", [("det_10g", [verdict(status) for status in Status]), ("fine", [])])
    assert "## Gate: pack" in text
    assert "| det\\_10g | 2 | 2 | 2 |" in text
    assert "| fine | 0 | 0 | 0 |" in text
    assert text.count("| det | det |") == 4


def test_a_summary_of_what_holds_has_no_second_table() -> None:
    assert "reason" not in step_summary("t", [("det", [verdict(Status.PASS)])])


@pytest.mark.parametrize("text", ["a|b", "a\nb", "<img src=x>", "[x](http://y)", "`code`", "\\|"])
def test_no_text_of_the_summary_leaves_its_cell(text: str) -> None:
    rows = [line for line in step_summary("t", [(text, [verdict(Status.FAIL, text)])]).splitlines() if "|" in line]
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows] == [5, 5, 5, 6, 6, 6]
    assert not re.search(r"(?<!\\)(?:\\\\)*[<\[`]", "".join(rows))


def test_a_summary_stays_below_what_github_takes() -> None:
    verdicts = [verdict(Status.FAIL, "x" * 300) for _ in range(5000)]
    text = step_summary("t", [("det", verdicts)])
    assert len(text.encode()) < 2**20
    assert "and 4800 more" in text
