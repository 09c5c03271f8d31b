"""A step: the smallest piece of work that the store can skip, run, or run again after a kill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from batchproof.artifacts.manifest import Record
from batchproof.verdict import Verdict


@dataclass(frozen=True)
class Workspace:
    """Where an action finds its parents and sources, and where it must write what it produces."""

    parents: tuple[Path, ...]
    sources: tuple[Path, ...]
    outputs: tuple[Path, ...]


@dataclass(frozen=True)
class Outcome:
    """What an action found out; the files are in the workspace."""

    verdicts: tuple[Verdict, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """Work on one artifact, declared before it is done.

    `check` and `subject` identify it: what is done (`build.rtx`) to which artifact (`det_10g.fp16`).
    `parents` and `produces` are paths in the store, `sources` are files outside it. `tools` are the distributions
    whose versions decide the outcome. The action raises `StepFailedError` for a model that cannot go through.
    """

    stage: str
    check: str
    subject: str
    action: Callable[[Workspace], Outcome]
    parents: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[str, ...] = ()


class Listener(Protocol):
    """Who wants to know how the work goes on."""

    def stage(self, name: str, steps: int) -> None:
        """A stage of so many steps begins."""

    def started(self, step: Step) -> None:
        """A step begins to compute."""

    def finished(self, record: Record, *, unchanged: bool) -> None:
        """A step has computed, or needed not to (`unchanged`)."""

    def waiting(self, root: Path) -> None:
        """Another process holds the store."""
