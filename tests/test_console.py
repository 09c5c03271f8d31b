from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from rich.console import Console

from batchproof import console
from batchproof.artifacts.manifest import Record
from batchproof.artifacts.step import Outcome, Step
from batchproof.bench.pipeline_file import Cost
from batchproof.report import speed
from tests.bench.files import PIPELINE, SWEEP


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=written, force_terminal=True, width=200))
    return written


@pytest.fixture
def display(screen: io.StringIO) -> Iterator[console.ProgressDisplay]:
    with console.ProgressDisplay() as opened:
        opened.stage("build", 6)
        yield opened


def start(display: console.ProgressDisplay, name: str) -> None:
    display.started(Step("build", "build.rtx", name, lambda files: Outcome()))


def end(display: console.ProgressDisplay, name: str, *, unchanged: bool = False) -> None:
    display.finished(Record("build", "build.rtx", name, "key"), unchanged=unchanged)


def shown(display: console.ProgressDisplay, screen: io.StringIO) -> str:
    """What the bar says now."""
    screen.truncate(0)
    display._progress.refresh()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())


def test_the_bar_names_every_step_that_runs_and_none_that_has_ended(
    display: console.ProgressDisplay, screen: io.StringIO
) -> None:
    start(display, "det_10g.fp32")
    start(display, "det_10g.fp16")
    assert "build.rtx det_10g.fp32, build.rtx det_10g.fp16" in shown(display, screen)
    end(display, "det_10g.fp32")
    assert "det_10g.fp32" not in shown(display, screen)
    assert "1/6 build.rtx det_10g.fp16" in shown(display, screen)


def test_a_bar_of_many_steps_names_a_few(display: console.ProgressDisplay, screen: io.StringIO) -> None:
    for name in "abcde":
        start(display, name)
    assert "build.rtx a, build.rtx b, build.rtx c and 2 more" in shown(display, screen)


def test_a_step_that_needed_not_run_ends_no_other(display: console.ProgressDisplay, screen: io.StringIO) -> None:
    start(display, "a")
    end(display, "b", unchanged=True)
    assert "1/6 build.rtx a" in shown(display, screen)


def test_names_that_look_like_markup_are_shown_as_they_are(
    display: console.ProgressDisplay, screen: io.StringIO
) -> None:
    start(display, "[bold]")
    assert "build.rtx [bold]" in shown(display, screen)


def on_80_columns(monkeypatch: pytest.MonkeyPatch, tables: Iterable[speed.Table]) -> str:
    written = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=written, width=80))
    for table in tables:
        console.show_table(*table)
    return written.getvalue()


def test_the_tables_of_a_benchmark_fit_into_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    long = replace(PIPELINE.compared[0], name="solvay_conference_1927.png", faces=12345, insightface=Cost(98765, 1, 1))
    pipeline = replace(PIPELINE, compared=(long, *PIPELINE.compared))
    shown = on_80_columns(monkeypatch, speed.for_terminals(speed.Measured((SWEEP,), (pipeline,))))
    for text in ("p99", "images/s", "no transfer", "roof", "runs", "insightface", "batchproof", "98765", "solvay_conf"):
        assert text in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_names_of_files_move_no_cursor_and_colour_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_80_columns(monkeypatch, [speed.Table("a\x1b[31m", ("x", "y"), [("b\x1b[2J\nc", "[red]d")])])
    assert "\x1b" not in shown
    for text in (r"a\x1b[31m", r"b\x1b[2J\nc", "[red]d"):
        assert text in shown
