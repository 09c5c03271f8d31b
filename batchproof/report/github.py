"""What GitHub Actions shows of verdicts: an annotation for each that does not hold, and a page for the step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from batchproof.report.plain_text import plain_text
from batchproof.verdict import Verdict

# A step's page may have 1 MiB, and nobody reads more.
_MOST_ROWS = 200
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@$])")


def workflow_commands(verdicts: Iterable[Verdict], file: str) -> Iterator[str]:
    """Render a workflow command for every verdict that does not hold: an error for a failure, else a warning.

    `file` is what the annotation is attached to. Nothing in a verdict can end its line or begin another command.
    """
    for verdict in verdicts:
        if not verdict:
            level = "error" if verdict.status.is_failure else "warning"
            title = _property(f"{verdict.subject} {verdict.check}")
            message = ": ".join(part for part in (verdict.status.value, verdict.measured, verdict.explained) if part)
            yield f"::{level} file={_property(file)},title={title}::{_data(message)}"


def step_summary(title: str, suites: Iterable[tuple[str, Sequence[Verdict]]]) -> str:
    """Render Markdown: a row for each name in `suites` with its counts, then every verdict that does not hold."""
    suites = list(suites)
    counts = [[name, *map(str, _counts(verdicts))] for name, verdicts in suites]
    lines = [f"## {_cell(title)}", "", *_table(["", "hold", "fail", "undecided"], counts), ""]
    open_ones = [verdict for _, verdicts in suites for verdict in verdicts if not verdict]
    if open_ones:
        rows = [[v.subject, v.check, v.status.value, v.measured, v.explained] for v in open_ones[:_MOST_ROWS]]
        lines += [*_table(["artifact", "rule", "verdict", "measured", "reason"], rows), ""]
    if len(open_ones) > _MOST_ROWS:
        lines += [f"and {len(open_ones) - _MOST_ROWS} more", ""]
    return "\n".join(lines) + "\n"


def _counts(verdicts: Sequence[Verdict]) -> tuple[int, int, int]:
    hold, failed = sum(map(bool, verdicts)), sum(verdict.status.is_failure for verdict in verdicts)
    return hold, failed, len(verdicts) - hold - failed


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *([_cell(cell) for cell in row] for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _cell(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", plain_text(text))


def _data(text: str) -> str:
    return plain_text(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
