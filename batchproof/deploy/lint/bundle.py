"""A folder that DeepStream is to run: its configuration files, its pipelines and its networks."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from batchproof.deploy.lint.document import ConfigFile, Role
from batchproof.deploy.lint.elements import Element, Inference, NvInfer, NvInferServer, Preprocess
from batchproof.deploy.lint.finding import Fault, Need
from batchproof.deploy.lint.network import Network
from batchproof.deploy.lint.side_files import is_made_by
from batchproof.deploy.lint.version import Version


@dataclass(frozen=True)
class Pipeline:
    """What runs together: the elements of one application, or all that no application of the bundle names."""

    app: ConfigFile | None
    inferences: tuple[Inference, ...]
    preprocesses: tuple[Preprocess, ...]


@dataclass(frozen=True)
class Bundle:
    """What was read of a folder; its files are named by their paths below it, with `/`.

    `networks` are by the path of their file, `largest_batches` by that of the description or Triton configuration,
    `scripts` is the text of all that builds something, `unreadable` are faults of configurations, `damaged` of
    networks, that could not be read. `release` is the DeepStream that it is for, where that is known.
    """

    files: frozenset[str]
    configs: tuple[ConfigFile, ...]
    pipelines: tuple[Pipeline, ...]
    networks: Mapping[str, Network]
    unreadable: tuple[Fault, ...]
    damaged: tuple[Fault, ...]
    largest_batches: Mapping[str, int]
    scripts: str
    release: Version | None = None

    def reason_not_run(self, need: Need) -> str | None:
        """Say what rules with this need would have to know."""
        if need == "release" and self.release is None:
            return "which DeepStream the bundle is for is not known: give it with --target"
        return "the bundle has no ONNX file that could be read" if need == "network" and not self.networks else None

    @property
    def nvinfers(self) -> list[NvInfer]:
        """Every nvinfer of every pipeline."""
        return [element for element in self.inferences if isinstance(element, NvInfer)]

    @property
    def servers(self) -> list[NvInferServer]:
        """Every nvinferserver of every pipeline."""
        return [element for element in self.inferences if isinstance(element, NvInferServer)]

    @property
    def inferences(self) -> list[Inference]:
        """Every nvinfer and nvinferserver of every pipeline."""
        return [element for pipeline in self.pipelines for element in pipeline.inferences]

    @property
    def preprocesses(self) -> list[Preprocess]:
        """Every nvdspreprocess of every pipeline."""
        return [element for pipeline in self.pipelines for element in pipeline.preprocesses]

    @property
    def is_whole(self) -> bool:
        """Whether every configuration could be read."""
        return not self.unreadable

    def of_role(self, role: Role) -> list[ConfigFile]:
        """The files that configure such an element."""
        return [config for config in self.configs if config.role == role]

    def network(self, element: Element) -> Network | None:
        """Return the network of an nvinfer; None when it has none here, or one that cannot be read."""
        return self.networks.get(path_of(element, "onnx-file") or "")

    def is_made_here(self, path: str) -> bool:
        """Tell whether a script or Makefile of the bundle names a file, and so presumably makes it."""
        return is_made_by(self.scripts, path)

    def cuts_its_own(self, element: Inference) -> bool:
        """Tell whether an element makes its input itself: nobody prepares tensors for it, and it expects none."""
        prepared = any(element in self.targets_of(preprocess) for preprocess in self.preprocesses)
        return not element.takes_tensor and not prepared

    def targets_of(self, preprocess: Preprocess) -> list[Inference]:
        """The elements that get the tensors: those of its own pipeline, or else of the bundle."""
        own = next(pipeline for pipeline in self.pipelines if preprocess in pipeline.preprocesses)
        candidates = own.inferences if own.app and own.inferences else self.inferences
        return [element for element in candidates if element.unique_id in preprocess.targets]


def inside(config: str, written: str) -> str | None:
    """Resolve a path against its file, as DeepStream does; None for an absolute one, and for one out of the folder."""
    if not written or written.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(config), written))
    return None if path.startswith("..") else path


def path_of(element: Element, key: str) -> str | None:
    """Resolve the path that a key of an element holds, as `inside` does."""
    return inside(element.place(key).path, element.text(key))
