"""What a person sees: progress on stderr, tables on stdout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.artifacts.step import Step
from batchproof.doctor import Finding
from batchproof.errors import first_few
from batchproof.report.plain_text import plain_text
from batchproof.report.summary import Cell, matrix, overall, worth_reading
from batchproof.targets import Target
from batchproof.verdict import Status, Verdict

out = Console(highlight=False)
err = Console(stderr=True, soft_wrap=True)

# Of a name that a table gives room to on one line.
_LONGEST_NAME = 26
_COLOURS = {
    Status.PASS: "green",
    Status.PROVEN: "green",
    Status.FAIL: "bold red",
    Status.REFUTED: "bold red",
    Status.UNKNOWN: "yellow",
    Status.NOT_RUN: "dim",
}


class ProgressDisplay:
    """A bar that says which steps are being computed, and a line for every one that was; on stderr."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.fields[stage]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._task = self._progress.add_task("", stage="", total=None)
        self._stage, self._steps, self._unchanged = "", 0, 0
        self._running: list[str] = []

    def __enter__(self) -> ProgressDisplay:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if error is None:
            self._close_stage()
        elif kind is KeyboardInterrupt:
            err.print("interrupted: finished steps are kept, run again to go on", soft_wrap=True)

    def stage(self, name: str, steps: int) -> None:
        """A stage of so many steps begins."""
        self._close_stage()
        self._stage, self._steps, self._unchanged = name, steps, 0
        self._running.clear()
        self._progress.reset(self._task, total=steps, stage=name, description="")

    def started(self, step: Step) -> None:
        """A step begins to compute."""
        self._running.append(f"{step.check} {step.subject}")
        self._show_running()

    def finished(self, record: Record, *, unchanged: bool) -> None:
        """A step has computed, or needed not to."""
        self._progress.advance(self._task)
        if (ended := f"{record.check} {record.subject}") in self._running:
            self._running.remove(ended)
            self._show_running()
        if unchanged:
            self._unchanged += 1
            return
        summed = overall(record.verdicts)
        status = summed[0] if summed else Status.PASS
        what = f"  {record.check:<15} {_plain(record.subject):<40} "
        err.print(f"{what}[{_COLOURS[status]}]{status.value:<8}[/]{record.seconds:7.1f} s", soft_wrap=True)

    def waiting(self, root: Path) -> None:
        """Another process holds the store."""
        err.print(f"[yellow]waiting[/]: another batchproof is working in {_plain(str(root))}", soft_wrap=True)

    def _show_running(self) -> None:
        self._progress.update(self._task, description=_plain(first_few(self._running)))

    def _close_stage(self) -> None:
        if self._unchanged:
            what = "nothing to do" if self._unchanged == self._steps else "the rest computed"
            err.print(f"  {self._stage:<15} {self._unchanged} of {self._steps} steps unchanged, {what}", soft_wrap=True)
        self._unchanged = 0


def show_summary(manifest: Manifest, report: Path) -> None:
    """Print one row per artifact and stage column, then every verdict that is not a pass."""
    table = Table(title=f"Pack {_plain(manifest.pack)}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    heads, rows = matrix(manifest)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    out.print(table)
    if any(cell.text.endswith("*") for row in rows for cell in row):
        out.print("* not everything in this cell was run, see below", soft_wrap=True)
    for verdict, count in worth_reading(manifest):
        times = f" (and {count - 1} more like it)" if count > 1 else ""
        out.print(_line(verdict, f"{verdict.subject} {verdict.check}") + times, soft_wrap=True)
    out.print(f"Every figure: {_plain(str(report))}", soft_wrap=True)


def show_verdicts(verdicts: Iterable[Verdict], facts: Mapping[str, object], *, of_several: bool = False) -> None:
    """Print what a single command found: a line per verdict with its figure and threshold, then the short facts.

    Verdicts `of_several` artifacts name theirs.
    """
    for verdict in verdicts:
        about = f"{verdict.subject} {verdict.check}" if of_several else verdict.check
        out.print(_line(verdict, about), soft_wrap=True)
    for name, fact in facts.items():
        if fact is not None and not isinstance(fact, list):
            out.print(f"{name}: {_plain(str(fact))}", soft_wrap=True)


def show_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], to: Console | None = None) -> None:
    """Print a table: names on the left, which are given room first, figures behind them to the right; on stdout."""
    lines = list(rows)
    table = Table(title=_plain(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    longest = max((len(row[0]) for row in lines), default=0)
    table.add_column(heads[0], overflow="fold", min_width=min(longest, _LONGEST_NAME))
    for head in heads[1:]:
        table.add_column(head, overflow="fold", justify="right")
    for row in lines:
        table.add_row(*map(_plain, row))
    (to or out).print(table)


def show_lines(lines: Iterable[str], to: Console | None = None) -> None:
    """Print plain lines."""
    for line in lines:
        (to or out).print(_plain(line), soft_wrap=True)


def show_targets(targets: Iterable[Target]) -> None:
    """Print a table of targets, then what must be known of several of them."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    names: dict[str, list[str]] = {}
    for head in ("target", "product", "TensorRT", "container"):
        table.add_column(head, overflow="fold")
    for target in targets:
        table.add_row(target.name, target.product, target.tensorrt or "any", target.container or "-")
        for note in target.notes:
            names.setdefault(note, []).append(target.name)
    out.print(table)
    for note, concerned in names.items():
        out.print(f"{', '.join(concerned)}: [dim]{_plain(note)}[/]")


@contextmanager
def counting(what: str, total: int, *, hidden: bool = False) -> Iterator[Callable[[], None]]:
    """Show on stderr how many of `total` are done; what is yielded counts one more.

    Not when `hidden`, for those whose own lines go to the same terminal, and not where stderr is none.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal) as progress:
        task = progress.add_task(_plain(what), total=total)
        yield lambda: progress.advance(task)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr that a command is at work; what is yielded tells how far it is."""
    with err.status(_plain(what)) as status:
        yield lambda detail: status.update(_plain(f"{what}: {detail}"))


def show_findings(findings: Sequence[Finding]) -> None:
    """Print what this machine can do, then what would make it do more."""
    table = Table(title="What this machine can do", title_justify="left", box=SIMPLE_HEAD)
    for head in ("", "status", "found"):
        table.add_column(head, overflow="fold")
    colours = {"ok": "green", "partial": "yellow", "missing": "dim"}
    for finding in findings:
        status = f"[{colours[finding.status]}]{finding.status}[/]"
        table.add_row(_plain(finding.subject), status, _plain(finding.detail))
    out.print(table)
    for finding in findings:
        if finding.remedy:
            out.print(f"[bold]{_plain(finding.subject)}[/]: {_plain(finding.remedy)}", soft_wrap=True)


def _line(verdict: Verdict, about: str) -> str:
    head = " ".join(part for part in (about, verdict.measured) if part)
    return f"[{_COLOURS[verdict.status]}]{verdict.status.value:<8}[/]{_plain(f'{head}: {verdict.explained}')}"


def _plain(text: str) -> str:
    """Show text as it is: neither Rich nor the terminal obeys it."""
    return escape(plain_text(text))


def _cell(cell: Cell) -> str:
    return _plain(cell.text) if cell.status is None else f"[{_COLOURS[cell.status]}]{_plain(cell.text)}[/]"
