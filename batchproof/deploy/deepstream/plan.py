"""What a bundle is made for: a target, its models, and how many streams and faces there are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.targets import Target
from batchproof.verdict import Verdict
from batchproof.zoo.spec import ModelSpec, Precision

FAMILY = "deepstream"
DETECTOR_ID = 1
# deepstream-app has no more groups of either kind.
MOST_SECONDARIES = 16
# Batches of crops that are on their way through nvinfer while the next one is prepared: its own default of buffers.
IN_FLIGHT = 6
# What means the same in a path, a key file, YAML, protobuf text and a shell, without quotes.
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
_LONGEST_NAME = 100  # letters: file systems take 255, of which names of engines need some
_SAFE_TENSOR = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:/-]*", re.ASCII)
# The sides of crops, in pixels, that the ArcFace template is known for, and their multiples.
_ALIGNED_SIDES = (112, 128)
_LARGEST_CROP, _LARGEST_BATCH = 1024, 1024


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


@dataclass(frozen=True)
class Secondary:
    """A model that works on faces, with the ids of its two elements: one makes its crops, one infers."""

    model: DeployedModel
    index: int

    @property
    def gie_id(self) -> int:
        """`gie-unique-id` of its nvinfer."""
        return DETECTOR_ID + 1 + self.index

    @property
    def preprocess_id(self) -> int:
        """`unique-id` of its nvdspreprocess."""
        return DETECTOR_ID + 1 + MOST_SECONDARIES + self.index


@dataclass(frozen=True)
class BundlePlan:
    """Everything that decides the text of a bundle.

    `faces` is the most that are kept of one frame. `files` are those that are copied into it, by their path in the
    bundle, with their sha256. Raises `InputError` for a plan that no bundle can carry out.
    """

    target: Target
    pack: str
    detector: DeployedModel
    embedder: DeployedModel
    heads: tuple[DeployedModel, ...] = ()
    streams: int = 4
    faces: int = 64
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        deepstream_version(self.target)
        if not self.detector.spec.has_keypoints:
            what = f"detector '{self.detector.name}' gives no landmarks, without which no face is aligned"
            raise InputError(what, remedy="Use an SCRFD with landmarks, of 9 or 15 outputs")
        if self.streams > self.detector.largest_batch:
            what = f"{self.streams} streams, and the engine of {self.detector.name} takes"
            remedy = f"Run again with --profile 1,{self.streams},{self.streams}, or name fewer with --streams"
            raise InputError(f"{what} batches of {self.detector.largest_batch} at most", remedy=remedy)
        if len(self.heads) >= MOST_SECONDARIES:
            what = f"{len(self.heads) + 1} models on faces are more than {MOST_SECONDARIES}"
            raise InputError(what, remedy="deepstream-app has no more groups: use fewer models")
        for model in self.models:
            check_model(model, self.target)

    @property
    def secondaries(self) -> tuple[Secondary, ...]:
        """The models on faces, the embedder first."""
        return tuple(Secondary(model, index) for index, model in enumerate((self.embedder, *self.heads)))

    @property
    def models(self) -> tuple[DeployedModel, ...]:
        """All models, the detector first."""
        return (self.detector, self.embedder, *self.heads)

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor of DeepStream."""
        return deepstream_version(self.target)

    def engine(self, model: DeployedModel) -> str:
        """The file name of a model's engine, which is the one that nvinfer itself would give it."""
        return self.target.engine_name(model.stem, model.profiles, model.precision)

    def crop_buffers(self, model: DeployedModel) -> int:
        """How many buffers of crops one nvdspreprocess needs.

        All crops of a batch of frames are held at once: a pool that has too few for them waits for itself for ever.
        """
        return math.ceil(self.streams * self.faces / model.largest_batch) + IN_FLIGHT


def deepstream_version(target: Target) -> tuple[int, int]:
    """Return major and minor of the DeepStream that a target is; raises `InputError` for one of another kind."""
    if target.family != FAMILY:
        raise InputError(f"{target.name} is no DeepStream", remedy="Choose one such as deepstream-8.0")
    major, minor = target.name.removeprefix(f"{FAMILY}-").split(".")
    return int(major), int(minor)


def check_model(model: DeployedModel, target: Target) -> None:
    """Raise `InputError` for a model that the target cannot use, or whose names cannot be written into its files."""
    check_name(model.name)
    for tensor in (model.spec.input.name, *(output.name for output in model.spec.outputs)):
        if not _SAFE_TENSOR.fullmatch(tensor):
            what = f"tensor {tensor!r} of {model.name} has a name that its configuration cannot hold"
            raise InputError(what, remedy="Rename it in the ONNX: letters, digits and ._:/- alone")
    _check_constants(model)
    target.check_engine(model.precision, model.profiles)
    if model.largest_batch > _LARGEST_BATCH:
        what = f"the engine of {model.name} is for batches of {model.largest_batch}"
        raise InputError(what, remedy=f"nvinfer takes {_LARGEST_BATCH} at most: use another --profile")
    if model.spec.role != "detector":
        _check_crop(model)


def check_name(name: str) -> None:
    """Raise `InputError` for a model's name that does not mean the same in every file of a bundle."""
    if not _SAFE_NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        what = f"model {name!r} has a name that a bundle cannot hold"
        remedy = f"Rename its file and run again: up to {_LONGEST_NAME} of A-Z, a-z, 0-9 and ._+-, a letter first"
        raise InputError(what, remedy=remedy)


def _check_constants(model: DeployedModel) -> None:
    mean, std = model.spec.input.mean, model.spec.input.std
    if not (0 <= mean <= 255 and 1e-3 <= std <= 1e6):  # neither holds for NaN
        what = f"{model.name} is normalised by mean {mean:g} and std {std:g}, which the aligner does not take"
        raise InputError(what, remedy="Export it again, or run again with a manifest that was not edited")


def _check_crop(model: DeployedModel) -> None:
    height, width = model.size
    if height != width or height > _LARGEST_CROP:
        what = f"{model.name} takes images of {height}x{width}, the aligner makes squares up to {_LARGEST_CROP}"
        raise InputError(what, remedy="Leave it out of the pack")
    if model.aligned and all(height % side for side in _ALIGNED_SIDES):
        what = f"{model.name} takes faces of {height}x{width}, which insightface has no template for"
        raise InputError(what, remedy="Its sides are multiples of 112 or 128")
