"""Which models of a store a deployment is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from batchproof.artifacts.manifest import Manifest
from batchproof.deploy.deployed_model import DeployedModel, check_name
from batchproof.deploy.trust import require_unrefuted, trusted
from batchproof.errors import InputError, first_few, printable
from batchproof.profile import EngineProfiles
from batchproof.zoo.pack import DEMO, PUBLISHED_PACKS
from batchproof.zoo.spec import Precision, Role

_HEADS: tuple[Role, ...] = ("landmarks", "attributes")


@dataclass(frozen=True)
class StoreModels:
    """The models of the store at `root` by their roles, for what executes the engines of `target`."""

    root: Path
    manifest: Manifest
    target: str

    def only(self, role: Role, wanted: str) -> str:
        """Name the model of a role; raises `InputError` when there is none, or a choice that the user must make."""
        named = [name for name, entry in self.manifest.models.items() if entry.spec.role == role]
        if wanted and wanted not in named:
            known = f"Its {role}s are {first_few(named, shown=8)}" if named else f"It has no {role}"
            raise InputError(f"the store has no {role} '{wanted}'", where=self.root, remedy=known)
        usable = [wanted] if wanted else self._usable(named, role)
        if not usable:
            remedy = f"Add one to the models and run again: {self.command}"
            raise InputError(f"the store has no {_kind(role)}", where=self.root, remedy=remedy)
        if len(usable) > 1:
            what = f"the store has several {role}s: {first_few(usable, shown=8)}"
            raise InputError(what, where=self.root, remedy=f"Name one with --{role}")
        return usable[0]

    def heads(self, usable: Callable[[str], bool]) -> list[str]:
        """Name the landmark and attribute networks that are `usable`, in the order of the store."""
        return [name for name, entry in self.manifest.models.items() if entry.spec.role in _HEADS and usable(name)]

    def require_deployable(self, name: str, precision: Precision) -> None:
        """Raise `InputError` for a name that no bundle can hold, `StepFailedError` when one of its verdicts failed."""
        check_name(name)
        require_unrefuted(self.manifest, name, precision, self.target)

    def deployed(self, name: str, precision: Precision, profiles: EngineProfiles, sha256: str) -> DeployedModel:
        """Describe a model whose graph has this hash, and what its verdicts say."""
        entry = self.manifest.models[name]
        return DeployedModel(
            name,
            precision,
            entry.spec,
            profiles,
            printable(entry.reason),
            printable(entry.source),
            printable(entry.licence),
            sha256,
            trusted(self.manifest, f"{name}.{precision}"),
        )

    @property
    def pack(self) -> str:
        """The pack's name, which stands in headings; raises `InputError` for one that no bundle can hold."""
        try:
            check_name(self.manifest.pack)
        except InputError as error:
            what = f"pack {self.manifest.pack!r} has a name that a bundle cannot hold"
            raise InputError(what, remedy=error.remedy) from error
        return self.manifest.pack

    @property
    def command(self) -> str:
        """The run that gives the store what it lacks."""
        pack = self.manifest.pack
        known = pack == DEMO.name or pack in PUBLISHED_PACKS
        models = "" if known else " --models DIR"
        out = quote(str(self.root.resolve().parent))
        return f"batchproof run{models} --pack {quote(pack)} --out {out} --target {self.target}"

    def _usable(self, named: Sequence[str], role: Role) -> list[str]:
        """A detector without landmarks is no choice where one with them is asked for."""
        specs = {name: self.manifest.models[name].spec for name in named}
        return [name for name in named if role != "detector" or specs[name].has_keypoints]


def _kind(role: Role) -> str:
    return "detector with landmarks" if role == "detector" else role
