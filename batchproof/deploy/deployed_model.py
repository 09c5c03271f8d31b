"""One graph in one precision, as a deployment has it, and the names that are safe in all of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.verdict import Verdict
from batchproof.zoo.spec import ModelSpec, Precision

# What means the same in a path, a key file, YAML, protobuf text and a shell, without quotes.
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
_LONGEST_NAME = 100  # letters: file systems take 255, of which names of engines need some
_SAFE_TENSOR = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:/-]*", re.ASCII)
# The sides of crops, in pixels, that the ArcFace template is known for, and their multiples.
_ALIGNED_SIDES = (112, 128)


@dataclass(frozen=True)
class DeployedModel:
    """One graph in one precision, its engine's profile, and where it comes from.

    `sha256` is that of its ONNX file, None where there is no file: a plan can be made of specs alone. `verdicts` say
    whether its frames are known to keep to themselves.
    """

    name: str
    precision: Precision
    spec: ModelSpec
    profiles: EngineProfiles
    reason: str = ""
    source: str = ""
    licence: str = ""
    sha256: str | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def stem(self) -> str:
        """The name of the ONNX file without its suffix."""
        return f"{self.name}.{self.precision}"

    @property
    def largest_batch(self) -> int:
        """What the engine takes at most."""
        return self.profiles.overall.maximum

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels that the engine is tuned for."""
        _, _, height, width = self.profiles.overall.input_shapes(self.spec).optimum
        return height, width

    @property
    def aligned(self) -> bool:
        """Whether it takes faces turned upright by their landmarks; others take the upright square about the box."""
        return self.spec.role == "embedder"


def require_landmarks(detector: DeployedModel) -> None:
    """Raise `InputError` for a detector whose faces cannot be aligned."""
    if not detector.spec.has_keypoints:
        what = f"detector '{detector.name}' gives no landmarks, without which no face is aligned"
        raise InputError(what, remedy="Use an SCRFD with landmarks, of 9 or 15 outputs")


def check_names(model: DeployedModel) -> None:
    """Raise `InputError` for a model whose name or tensors cannot be written into the files of a bundle."""
    check_name(model.name)
    for tensor in (model.spec.input.name, *(output.name for output in model.spec.outputs)):
        if not _SAFE_TENSOR.fullmatch(tensor):
            what = f"tensor {tensor!r} of {model.name} has a name that its configuration cannot hold"
            raise InputError(what, remedy="Rename it in the ONNX: letters, digits and ._:/- alone")


def check_name(name: str) -> None:
    """Raise `InputError` for a model's name that does not mean the same in every file of a bundle."""
    if not _SAFE_NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        what = f"model {name!r} has a name that a bundle cannot hold"
        remedy = f"Rename its file and run again: up to {_LONGEST_NAME} of A-Z, a-z, 0-9 and ._+-, a letter first"
        raise InputError(what, remedy=remedy)


def check_crop(model: DeployedModel) -> None:
    """Raise `InputError` for a model on faces that no crop fits: it is not square, or has no template."""
    height, width = model.size
    if height != width:
        what = f"{model.name} takes images of {height}x{width}, and crops of faces are square"
        raise InputError(what, remedy="Leave it out of the pack")
    if model.aligned and all(height % side for side in _ALIGNED_SIDES):
        what = f"{model.name} takes faces of {height}x{width}, which insightface has no template for"
        raise InputError(what, remedy="Its sides are multiples of 112 or 128")
