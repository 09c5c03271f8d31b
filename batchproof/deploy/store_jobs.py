"""What a run with a target has left for its container: a job for each engine, and the script that does them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import Artifact, Record
from batchproof.deploy.store_models import StoreModels
from batchproof.errors import InputError
from batchproof.targets.target import SCRIPT_NAME
from batchproof.zoo.spec import Precision


@dataclass(frozen=True)
class StoreJobs:
    """The jobs of a store for one target in one precision, which `models.target` names."""

    models: StoreModels
    precision: Precision

    def require_any(self) -> None:
        """Raise `InputError` when the store has no engine for the target, or several of one model."""
        if not any(map(self.has, self.models.manifest.models)):
            self._refuse_several()
            what = f"the store has no {self.precision} engines for {self.models.target}"
            raise InputError(what, where=self.models.root, remedy=f"Make them with: {self.models.command}")

    def has(self, name: str) -> bool:
        """Tell whether a model has a job."""
        return self._job(name) is not None

    def artifacts(self, name: str) -> tuple[Artifact, Artifact, Artifact]:
        """Give a model's graph, its job and its description; raises `InputError` when it has none, with the reason."""
        job = self._job(name)
        if job is None:
            self._refuse_several()
            raise InputError(self._why_no_job(name), where=self.models.root, remedy=f"Run again: {self.models.command}")
        graph, recipe, described = job.artifacts
        return graph, recipe, described

    def files(self, names: list[str], folder: str) -> dict[str, str]:
        """Give what is copied for these models: the paths in the bundle, all in `folder`, with their sha256."""
        found = [artifact for name in names for artifact in self.artifacts(name)]
        return {f"{folder}/{PurePosixPath(one.path).name}": one.sha256 for one in (*found, self._script())}

    def _script(self) -> Artifact:
        found = self.models.manifest.artifact(f"{layout.built(self.models.target)}/{SCRIPT_NAME}")
        if found is None:
            what = f"the store has no {SCRIPT_NAME} for {self.models.target}"
            raise InputError(what, where=self.models.root, remedy=f"Write it with: {self.models.command}")
        return found

    def _job(self, name: str) -> Record | None:
        job = self.models.manifest.record(self._check, f"{name}.{self.precision}")
        return job if job is not None and job.artifacts else None

    def _why_no_job(self, name: str) -> str:
        record = self.models.manifest.record(self._check, f"{name}.{self.precision}")
        what = f"{name} has no {self.precision} engine for {self.models.target}"
        return f"{what}: {record.verdicts[0].reason}" if record and record.verdicts else what

    def _refuse_several(self) -> None:
        """A job in a folder of its profiles has brothers; nobody has said which one is meant."""
        for record in self.models.manifest.records:
            if record.check == self._check and any(path.path.count("/") > 2 for path in record.artifacts):
                what = f"a model has several engines for {self.models.target}, such as {record.subject}"
                raise InputError(what, where=self.models.root, remedy="Run again with one --profile for each model")

    @property
    def _check(self) -> str:
        return f"build.{self.models.target}.job"


def stored_path(path: str, target: str) -> str:
    """Return where in the store a file of the bundle's engines lies."""
    return f"{layout.built(target)}/{PurePosixPath(path).name}"
