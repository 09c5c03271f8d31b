"""A listener that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from batchproof.artifacts.manifest import Record
from batchproof.artifacts.step import Step


@dataclass
class Remembering:
    """What a store told about its work."""

    computed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    waited: list[Path] = field(default_factory=list)

    def stage(self, name: str, steps: int) -> None:
        """Stages are not remembered."""

    def started(self, step: Step) -> None:
        self.computed.append(step.subject)

    def finished(self, record: Record, *, unchanged: bool) -> None:
        if unchanged:
            self.unchanged.append(record.subject)

    def waiting(self, root: Path) -> None:
        self.waited.append(root)
