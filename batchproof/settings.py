"""What a user may choose for a run; every stage reads its part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from batchproof.engine_options import DEFAULTS, EngineOptions
from batchproof.errors import InputError
from batchproof.policy import Policy
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import ProfileChoice
from batchproof.targets import target
from batchproof.zoo.pack import Pack, PackModel
from batchproof.zoo.spec import Precision

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16")
# Sessions, which every validation executes, and what this machine may be able to compile.
TARGETS = ("ort", "rtx", "local")


@dataclass(frozen=True)
class EngineSettings:
    """What is built, for which targets, and how: `options` are for those of TensorRT and TensorRT-RTX.

    `precisions` are those that were asked for; none means each that a target builds, and it is said why it lacks one.
    `cache` is the folder of engines that were built before (None: none is used), `jobs` how many builds run at a time.
    """

    targets: tuple[str, ...] = TARGETS
    precisions: tuple[Precision, ...] = ()
    options: EngineOptions = DEFAULTS
    cache: Path | None = None
    jobs: int = 1

    def check(self, engines: Iterable[EngineProfiles] = ()) -> None:
        """Raise `InputError` for an unknown target, or one that has no use for an option, a precision or `engines`."""
        asked = tuple(engines)
        for chosen in map(target, self.targets):
            if chosen.builder != "ort":
                chosen.check_options(self.options)
            for precision in self.precisions:
                chosen.check_precision(precision)
            for profiles in asked:
                chosen.check_profiles(profiles)


@dataclass(frozen=True)
class Settings:
    """The optimisation profiles, the pictures (None: those that insightface brings) and the thresholds of a run.

    `plans` is a folder of precision plans, `<model>.json`; models without one are converted to FP16 as a whole.
    """

    profiles: ProfileChoice
    images: Path | None
    policy: Policy
    plans: Path | None = None
    engines: EngineSettings = EngineSettings()

    def check(self, pack: Pack) -> None:
        """Raise `InputError` before any work when profiles, targets or plans do not suit the models of `pack`."""
        self.profiles.check(pack)
        self.engines.check(profiles for model in pack.models for profiles in self.profiles.engines(model))
        if self.plans is not None:
            self._check_plans(self.plans, {f"{model.name}.json" for model in pack.models})

    @staticmethod
    def _check_plans(folder: Path, names: set[str]) -> None:
        found = {path.name for path in folder.glob("*.json")}
        remedy = f"Name them {', '.join(sorted(names))}"
        if not found & names:
            raise InputError("holds no precision plan of this pack", where=folder, remedy=remedy)
        if strangers := sorted(found - names):
            raise InputError(f"{strangers[0]} belongs to no model of this pack", where=folder, remedy=remedy)

    def plan_of(self, model: PackModel) -> Path | None:
        """Return the precision plan of a model, where there is one."""
        plan = None if self.plans is None else self.plans / f"{model.name}.json"
        return plan if plan is not None and plan.exists() else None
