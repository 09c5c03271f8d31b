"""What a user may choose for a run; every stage reads its part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.policy import Policy
from batchproof.profile import Profile
from batchproof.zoo.pack import Pack
from batchproof.zoo.spec import Precision

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16")


@dataclass(frozen=True)
class Settings:
    """The optimisation profile, the pictures (None: those that insightface brings) and the thresholds of a run.

    `plans` is a folder of precision plans, `<model>.json`; models without one are converted to FP16 as a whole.
    """

    profile: Profile
    images: Path | None
    policy: Policy
    plans: Path | None = None

    def check(self, pack: Pack) -> None:
        """Raise `InputError` before any work when the image size does not suit a model of `pack`."""
        for model in pack.models:
            self.profile.input_shapes(model.spec)
