"""One cell of what a run builds: a model, a precision, a target and the profiles of an engine."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.artifacts import layout
from batchproof.artifacts.step import Workspace
from batchproof.build.job import Job
from batchproof.profile import EngineProfiles
from batchproof.targets import Target
from batchproof.zoo.pack import PackModel
from batchproof.zoo.spec import Precision


@dataclass(frozen=True)
class Cell:
    """One graph of a model, for one target, with the profiles of one engine, of which the model may have `several`."""

    model: PackModel
    precision: Precision
    target: Target
    profiles: EngineProfiles
    several: bool

    @property
    def graph(self) -> str:
        """The batch-safe graph, in the store."""
        return layout.repaired(self.model.name, self.precision)

    @property
    def stem(self) -> str:
        """The name of the graph, which the engine's begins with."""
        return f"{self.model.name}.{self.precision}"

    @property
    def subject(self) -> str:
        """The name of the cell in verdicts: with its profiles where the model has other cells beside it."""
        return f"{self.stem}.{self._tag}" if self.several else self.stem

    @property
    def folder(self) -> str:
        """Where its files go: into a folder of its own profiles where there are several."""
        return layout.built(self.target.name, self._tag if self.several else "")

    def job(self, workspace: Workspace) -> Job:
        """The work on the graph and the files of `workspace`."""
        return Job(
            workspace.parents[0],
            workspace.outputs,
            self.target,
            self.precision,
            self.profiles,
            self.model.spec,
            self.subject,
        )

    @property
    def _tag(self) -> str:
        return self.profiles.tag(self.model.spec)
