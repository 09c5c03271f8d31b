"""Model repositories, as rules see them: models with their versions, configurations and networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchproof.deploy.lint.document import Place
from batchproof.deploy.lint.finding import Fault, Need
from batchproof.deploy.lint.network import Network
from batchproof.deploy.lint.side_files import Engine, is_made_by
from batchproof.deploy.lint.triton.backends import ENSEMBLE, backend_of, default_file
from batchproof.deploy.lint.triton.config import Config
from batchproof.deploy.lint.triton.schema import Violation

CONFIG = "config.pbtxt"


@dataclass(frozen=True)
class Model:
    """A folder of a repository: `files` and `folders` are named as they are below it.

    `configs` are the configurations that the server can parse, `has_config` tells of config.pbtxt whatever it holds.
    `networks` are by the paths of their files in the whole folder, of those versions that have one here; `engine` is
    what a description of ours says of the plan. `adds_tensors` tells of code that declares inputs or outputs itself.
    """

    folder: str
    name: str
    has_config: bool
    configs: tuple[Config, ...]
    files: frozenset[str]
    folders: tuple[str, ...]
    networks: dict[str, Network]
    engine: Engine | None
    adds_tensors: bool = False

    @property
    def versions(self) -> list[int]:
        """The versions that the server sees, the newest first: numbers without a leading zero."""
        return sorted((int(name) for name in self.folders if is_version(name)), reverse=True)

    @property
    def config(self) -> Config | None:
        """Return what the server reads by default; None when it cannot, or when there is none."""
        return next((config for config in self.configs if not config.is_alternative), None)

    @property
    def place(self) -> Place:
        """Return the whole of it."""
        return Place(f"{self.folder}/{CONFIG}" if self.has_config else self.folder)

    def files_of(self, version: int) -> set[str]:
        """Return the names of the files, and folders, of a version."""
        prefix = f"{version}/"
        return {path.removeprefix(prefix).split("/")[0] for path in self.files if path.startswith(prefix)}

    def backend(self, config: Config) -> str:
        """Return the backend that the server takes; empty when it finds none."""
        message = config.message
        present = self.files_of(self.versions[-1]) if self.versions else ()
        return backend_of(message.text("platform"), message.text("backend"), config.filename, present)

    def completes(self, config: Config) -> bool:
        """Tell whether the backend may add what an input or output lacks, as those that nobody knows here may.

        In bundles of ours, whose plans are described, the server lets none.
        """
        knows = {"python": self.adds_tensors, "tensorrt": self.engine is None, "onnxruntime": False, ENSEMBLE: False}
        return knows.get(self.backend(config), True)

    def file(self, config: Config) -> str | None:
        """Return the name of the file that the backend opens; None for a backend that is not known here."""
        return config.filename or default_file(self.backend(config))


@dataclass(frozen=True)
class Repository:
    """The folder that a server is started on, by its path in the whole folder; `strays` in it are no models."""

    folder: str
    models: tuple[Model, ...]
    strays: tuple[str, ...] = ()

    def model(self, name: str) -> Model | None:
        """Return the model of that name."""
        return next((model for model in self.models if model.name == name), None)


@dataclass(frozen=True)
class Repositories:
    """All repositories of a folder: what the rules of Triton are applied to.

    `unreadable` are configurations that are no protobuf text, `violations` what the server's parser refuses in others,
    each with the path of its file, `damaged` networks that could not be read. `texts` are the pipelines of our own
    models, by their paths, `scripts` is the text of all that builds something.
    """

    repositories: tuple[Repository, ...]
    unreadable: tuple[Fault, ...]
    violations: tuple[tuple[str, Violation], ...]
    damaged: tuple[Fault, ...]
    texts: dict[str, str]
    scripts: str

    @property
    def models(self) -> list[tuple[Repository, Model]]:
        """Every model with its repository."""
        return [(repository, model) for repository in self.repositories for model in repository.models]

    @property
    def own_files(self) -> set[str]:
        """Every file of every model."""
        return {f"{model.folder}/{name}" for _, model in self.models for name in model.files}

    @property
    def configs(self) -> list[tuple[Model, Config]]:
        """Every configuration that can be parsed, with its model."""
        return [(model, config) for _, model in self.models for config in model.configs]

    def on(self, *backends: str) -> Iterator[tuple[Model, Config]]:
        """Yield the configurations of models that one of these backends runs."""
        return ((model, config) for model, config in self.configs if model.backend(config) in backends)

    def networks(self) -> Iterator[tuple[Model, Config, str, Network]]:
        """Yield every configuration with each network that it must agree with, and the path of its file."""
        for model, config in self.configs:
            for path, network in model.networks.items():
                if model.backend(config) in ("onnxruntime", "tensorrt") or _describes(config, network):
                    yield model, config, path, network

    def is_made_here(self, path: str) -> bool:
        """Tell whether a script of the folder names a file, and so presumably makes it."""
        return is_made_by(self.scripts, path)

    def reason_not_run(self, need: Need) -> str | None:
        """Say what rules with this need would have to know."""
        known = any(model.networks for _, model in self.models)
        return None if need != "network" or known else "no model has an ONNX file that could be read"


def is_version(name: str) -> bool:
    """Tell whether the server takes a folder for a version: a number without a leading zero."""
    return name.isascii() and name.isdecimal() and len(name) < 19 and (name == "0" or name[0] != "0")


def _describes(config: Config, network: Network) -> bool:
    """Tell whether a configuration is about the very network that lies beside somebody's own code."""
    sides = ((config.inputs, network.inputs), (config.outputs, network.outputs))
    return all({io.name for io in ios} == {tensor.name for tensor in tensors} for ios, tensors in sides)


def is_ensemble(config: Config) -> bool:
    """Tell whether a configuration is that of an ensemble."""
    return config.message.text("platform") == ENSEMBLE or config.message.has("ensemble_scheduling")
