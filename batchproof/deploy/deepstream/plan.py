"""What a bundle is made for: a target, its models, and how many streams and faces there are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from batchproof.deploy.deployed_model import DeployedModel, check_crop, check_names, require_landmarks
from batchproof.errors import InputError
from batchproof.targets import Target

FAMILY = "deepstream"
DETECTOR_ID = 1
# deepstream-app has no more groups of either kind.
MOST_SECONDARIES = 16
# Batches of crops that are on their way through nvinfer while the next one is prepared: its own default of buffers.
IN_FLIGHT = 6
_LARGEST_CROP, _LARGEST_BATCH = 1024, 1024


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
        require_landmarks(self.detector)
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
    check_names(model)
    _check_constants(model)
    target.check_engine(model.precision, model.profiles)
    if model.largest_batch > _LARGEST_BATCH:
        what = f"the engine of {model.name} is for batches of {model.largest_batch}"
        raise InputError(what, remedy=f"nvinfer takes {_LARGEST_BATCH} at most: use another --profile")
    if model.spec.role != "detector":
        _check_crop(model)


def _check_constants(model: DeployedModel) -> None:
    mean, std = model.spec.input.mean, model.spec.input.std
    if not (0 <= mean <= 255 and 1e-3 <= std <= 1e6):  # neither holds for NaN
        what = f"{model.name} is normalised by mean {mean:g} and std {std:g}, which the aligner does not take"
        raise InputError(what, remedy="Export it again, or run again with a manifest that was not edited")


def _check_crop(model: DeployedModel) -> None:
    height, width = model.size
    if max(height, width) > _LARGEST_CROP:
        what = f"{model.name} takes images of {height}x{width}, the aligner makes squares up to {_LARGEST_CROP}"
        raise InputError(what, remedy="Leave it out of the pack")
    check_crop(model)
