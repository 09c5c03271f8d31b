"""The plan of a bundle, from a store that a run with this target has left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shlex import quote

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.engine_description import read_description
from batchproof.deploy.deepstream.plan import BundlePlan, DeployedModel, check_name, deepstream_version
from batchproof.deploy.deepstream.trust import require_unrefuted, trusted
from batchproof.errors import InputError, first_few, printable
from batchproof.targets import Target
from batchproof.targets.target import SCRIPT_NAME
from batchproof.zoo.pack import DEMO, PUBLISHED_PACKS
from batchproof.zoo.spec import Precision, Role

_HEADS: tuple[Role, ...] = ("landmarks", "attributes")


@dataclass(frozen=True)
class Wishes:
    """What a user asks for; an empty name means the only model of its role."""

    precision: Precision
    detector: str = ""
    embedder: str = ""
    streams: int = 4
    faces: int = 64


def plan_from_store(root: Path, manifest: Manifest, target: Target, wishes: Wishes) -> BundlePlan:
    """Plan a bundle of the models in the store at `root` that have a job for `target`.

    Raises `InputError` when the store has none, or not one detector and one embedder, and for a plan that no bundle
    can carry out; `StepFailedError` when a verdict on one of them failed, `StoreError` when a description is damaged.
    """
    deepstream_version(target)
    target.check_precision(wishes.precision)
    store = _Store(root, manifest, target, wishes.precision)
    store.require_target()
    detector = store.only("detector", wishes.detector)
    models = [detector, store.only("embedder", wishes.embedder), *store.heads()]
    files = dict(file for model in models for file in store.files(model))
    script = store.script()
    return BundlePlan(
        target=target,
        pack=_pack(manifest),
        detector=store.deployed(detector),
        embedder=store.deployed(models[1]),
        heads=tuple(store.deployed(model) for model in models[2:]),
        streams=wishes.streams,
        faces=wishes.faces,
        files={**files, f"{paths.ENGINES}/{SCRIPT_NAME}": script.sha256},
    )


def stored_path(path: str, target: Target) -> str:
    """Return where in the store a file of the bundle's `engines/` lies."""
    return f"{layout.built(target.name)}/{PurePosixPath(path).name}"


@dataclass(frozen=True)
class _Store:
    root: Path
    manifest: Manifest
    target: Target
    precision: Precision

    def require_target(self) -> None:
        if not any(self._job(model) for model in self.manifest.models):
            self._refuse_several()
            what = f"the store has no {self.precision} engines for {self.target.name}"
            raise InputError(what, where=self.root, remedy=f"Make them with: {self._command()}")

    def only(self, role: Role, wanted: str) -> str:
        """Name the model of a role; raises `InputError` when there is none, or a choice that the user must make."""
        named = [name for name, entry in self.manifest.models.items() if entry.spec.role == role]
        if wanted and wanted not in named:
            known = f"Its {role}s are {first_few(named, shown=8)}" if named else f"It has no {role}"
            raise InputError(f"the store has no {role} '{wanted}'", where=self.root, remedy=known)
        usable = [wanted] if wanted else self._usable(named, role)
        if not usable:
            remedy = f"Add one to the models and run again: {self._command()}"
            raise InputError(f"the store has no {_kind(role)}", where=self.root, remedy=remedy)
        if len(usable) > 1:
            what = f"the store has several {role}s: {first_few(usable, shown=8)}"
            raise InputError(what, where=self.root, remedy=f"Name one with --{role}")
        return usable[0]

    def heads(self) -> list[str]:
        """Name the landmark and attribute networks that have a job."""
        return [name for name, entry in self.manifest.models.items() if entry.spec.role in _HEADS and self._job(name)]

    def deployed(self, name: str) -> DeployedModel:
        entry = self.manifest.models[name]
        check_name(name)
        require_unrefuted(self.manifest, name, self.precision, self.target)
        graph, _, described = self._artifacts(name)
        return DeployedModel(
            name,
            self.precision,
            entry.spec,
            read_description(self.root / described.path, entry.spec).engine_profiles(),
            printable(entry.reason),
            printable(entry.source),
            printable(entry.licence),
            graph.sha256,
            trusted(self.manifest, f"{name}.{self.precision}"),
        )

    def files(self, name: str) -> list[tuple[str, str]]:
        """Give what is copied of a model: its path in the bundle, and its sha256."""
        return [(_in_bundle(artifact), artifact.sha256) for artifact in self._artifacts(name)]

    def script(self) -> Artifact:
        found = self.manifest.artifact(f"{layout.built(self.target.name)}/{SCRIPT_NAME}")
        if found is None:
            remedy = f"Write it with: {self._command()}"
            raise InputError(f"the store has no {SCRIPT_NAME} for {self.target.name}", where=self.root, remedy=remedy)
        return found

    def _usable(self, named: Sequence[str], role: Role) -> list[str]:
        """A detector without landmarks is no choice where one with them is asked for."""
        specs = {name: self.manifest.models[name].spec for name in named}
        return [name for name in named if role != "detector" or specs[name].has_keypoints]

    def _artifacts(self, name: str) -> tuple[Artifact, ...]:
        job = self._job(name)
        if job is None:
            self._refuse_several()
            raise InputError(self._why_no_job(name), where=self.root, remedy=f"Run again: {self._command()}")
        return job.artifacts

    def _job(self, name: str) -> Record | None:
        job = self.manifest.record(self._check, f"{name}.{self.precision}")
        return job if job is not None and job.artifacts else None

    def _why_no_job(self, name: str) -> str:
        record = self.manifest.record(self._check, f"{name}.{self.precision}")
        what = f"{name} has no {self.precision} engine for {self.target.name}"
        return f"{what}: {record.verdicts[0].reason}" if record and record.verdicts else what

    def _refuse_several(self) -> None:
        """A job in a folder of its profiles has brothers; nobody has said which one is meant."""
        for record in self.manifest.records:
            if record.check == self._check and any(path.path.count("/") > 2 for path in record.artifacts):
                what = f"a model has several engines for {self.target.name}, such as {record.subject}"
                raise InputError(what, where=self.root, remedy="Run again with one --profile for each model")

    @property
    def _check(self) -> str:
        return f"build.{self.target.name}.job"

    def _command(self) -> str:
        """The run that gives the store what it lacks."""
        pack = self.manifest.pack
        known = pack == DEMO.name or pack in PUBLISHED_PACKS
        models = "" if known else " --models DIR"
        out = quote(str(self.root.resolve().parent))
        return f"batchproof run{models} --pack {quote(pack)} --out {out} --target {self.target.name}"


def _in_bundle(artifact: Artifact) -> str:
    return f"{paths.ENGINES}/{PurePosixPath(artifact.path).name}"


def _kind(role: Role) -> str:
    return "detector with landmarks" if role == "detector" else role


def _pack(manifest: Manifest) -> str:
    """The pack's name stands in headings; it is the folder's, which may be anything."""
    try:
        check_name(manifest.pack)
    except InputError as error:
        raise InputError(f"pack {manifest.pack!r} has a name that a bundle cannot hold", remedy=error.remedy) from error
    return manifest.pack
