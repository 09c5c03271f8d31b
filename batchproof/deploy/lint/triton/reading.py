"""Reading model repositories: which folders are models, what their configurations say, and their networks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path

from batchproof.artifacts.input_file import read_bytes
from batchproof.deploy.lint.document import Place, UnreadableError
from batchproof.deploy.lint.finding import Fault, quoted
from batchproof.deploy.lint.network import Network, read_network
from batchproof.deploy.lint.proto_message import read_message
from batchproof.deploy.lint.reading import damaged_line
from batchproof.deploy.lint.side_files import DESCRIPTION, Engine, described_engine, scripts, text_of
from batchproof.deploy.lint.triton.config import Config
from batchproof.deploy.lint.triton.repository import CONFIG, Model, Repositories, Repository, is_version
from batchproof.deploy.lint.triton.schema import Violation, violations
from batchproof.deploy.triton.serving.contract import PIPELINE_FILE
from batchproof.errors import InputError

_LARGEST = 2**20  # bytes; a configuration has some hundreds
# A file with more is about something else.
_MOST_VIOLATIONS = 100
_ALTERNATIVES = "configs"
# Folders of a model that are no versions.
_OTHER_FOLDERS = {_ALTERNATIVES, "warmup", "initial_state"}
# Code that the server asks for what a configuration lacks, in its `auto_complete_config`.
_MODEL_PY = re.compile(r"\d{1,18}/model\.py")
_ADDS = re.compile(r"\.add_(?:input|output)\s*\(")
# What tells a model that has no configuration.
_MODEL_FILE = re.compile(r"(.+)/\d{1,18}/model\.(?:onnx|plan|py|pt|pt2|savedmodel|graphdef|xml)(?:/.*)?")


def find_repositories(root: Path, files: frozenset[str]) -> Repositories | None:
    """Read every repository among the files of a folder; None where there is none. Nothing outside is opened."""
    folders = sorted(_model_folders(files), key=posixpath.split)
    if not folders:
        return None
    reader = _Reader(root, files, _own_files(files, folders))
    by_parent = groupby(folders, posixpath.dirname)
    repositories = tuple(reader.repository(parent, list(models)) for parent, models in by_parent)
    return Repositories(
        repositories=repositories,
        unreadable=tuple(reader.unreadable),
        violations=tuple(reader.violations),
        damaged=tuple(reader.damaged),
        texts=reader.texts,
        scripts=scripts(root, files),
    )


def _model_folders(files: Iterable[str]) -> list[str]:
    """The outermost folders with a configuration, or with a version of a model; the root itself is none."""
    found: set[str] = set()
    for path in files:
        folder, name = posixpath.split(path)
        if name == CONFIG:
            found.add(folder)
        elif name.endswith(".pbtxt") and posixpath.basename(folder) == _ALTERNATIVES:
            found.add(posixpath.dirname(folder))
        elif match := _MODEL_FILE.fullmatch(path):
            found.add(match[1])
    found.discard("")
    return [folder for folder in found if _owner(posixpath.dirname(folder), found) is None]


def _owner(path: str, folders: Container[str]) -> str | None:
    """Return the outermost of the folders that is a path, or around it."""
    parts = path.split("/")
    ancestors = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return next((ancestor for ancestor in ancestors if ancestor in folders), None)


def _own_files(files: Iterable[str], folders: Iterable[str]) -> dict[str, set[str]]:
    """The files of each model, by its folder."""
    owned: dict[str, set[str]] = {folder: set() for folder in folders}
    for path in files:
        if owner := _owner(path, owned):
            owned[owner].add(path.removeprefix(f"{owner}/"))
    return owned


@dataclass
class _Reader:
    """Reads one model after another, and gathers what could not be read."""

    root: Path
    all_files: frozenset[str]
    owned: dict[str, set[str]]
    unreadable: list[Fault] = field(default_factory=list)
    violations: list[tuple[str, Violation]] = field(default_factory=list)
    damaged: list[Fault] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def repository(self, parent: str, folders: list[str]) -> Repository:
        """Read a repository with the models in these folders."""
        models = tuple(map(self.model, folders))
        known = {model.name for model in models}
        return Repository(parent, models, tuple(name for name in self._folders(parent) if name not in known))

    def model(self, folder: str) -> Model:
        """Read a model."""
        files = frozenset(self.owned[folder])
        self._read_texts(folder, files)
        configs = [self._config(folder, name) for name in sorted(files) if _is_config(name)]
        name = posixpath.basename(folder)
        model = Model(
            folder=folder,
            name=name,
            has_config=CONFIG in files,
            configs=tuple(config for config in configs if config),
            files=files,
            folders=tuple(name for name in self._folders(folder) if name not in _OTHER_FOLDERS),
            networks={},
            engine=self._engine(name),
            adds_tensors=any(self._adds_tensors(f"{folder}/{file}") for file in files if _MODEL_PY.fullmatch(file)),
        )
        for path in self._network_files(model):
            self._read_network(path, model.networks)
        return model

    def _folders(self, folder: str) -> list[str]:
        """The folders in a folder, those without a file too; links may lead out."""
        entries = (self.root / folder).iterdir()
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.is_symlink())

    def _read_texts(self, folder: str, files: Iterable[str]) -> None:
        for name in files:
            version, _, file = name.partition("/")
            if file == PIPELINE_FILE and is_version(version):
                self.texts[f"{folder}/{name}"] = text_of(self.root / folder / name)

    def _adds_tensors(self, path: str) -> bool:
        return _ADDS.search(text_of(self.root / path)) is not None

    def _config(self, folder: str, name: str) -> Config | None:
        path = f"{folder}/{name}"
        try:
            message = read_message(self._text(path))
        except UnreadableError as error:
            sentence = f"{error}: the server logs an error and goes on as if there were no such model"
            self.unreadable.append(Fault(Place(path, error.line), sentence, "Correct it, or write it anew"))
            return None
        found = list(islice(violations(message), _MOST_VIOLATIONS))
        self.violations += [(path, violation) for violation in found]
        return None if found else Config(path, message, name != CONFIG)

    def _text(self, path: str) -> str:
        try:
            text = read_bytes(self.root / path, largest=_LARGEST).decode(errors="replace")
        except InputError as error:
            raise UnreadableError(f"is not read ({error.what})", 1) from error
        damaged = damaged_line(text)
        if damaged is not None:
            raise UnreadableError("is no text", damaged)
        return text

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """All files by the last parts of their paths: what plans are built from has the name of its model, anywhere."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.all_files):
            found.setdefault(posixpath.basename(path), []).append(path)
        return found

    def _engine(self, name: str) -> Engine | None:
        described = (described_engine(self.root, path) for path in self._by_name.get(f"{name}{DESCRIPTION}", ()))
        return next(filter(None, described), None)

    def _network_files(self, model: Model) -> list[str]:
        config = model.config
        if config is None:
            return []
        if model.backend(config) == "tensorrt":
            return self._by_name.get(f"{model.name}.onnx", [])[:1]
        name = config.filename if config.filename.endswith(".onnx") else "model.onnx"
        found = (f"{model.folder}/{version}/{name}" for version in model.versions)
        return [path for path in found if path in self.all_files]

    def _read_network(self, path: str, networks: dict[str, Network]) -> None:
        try:
            networks[path] = read_network(self.root / path)
        except InputError as error:
            sentence = f"{quoted(path)}: {error.what}; a backend hardly takes it, and nothing is compared with it"
            self.damaged.append(Fault(Place(path), sentence, error.remedy or "Export it again"))


def _is_config(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return name == CONFIG or (folder == _ALTERNATIVES and file.endswith(".pbtxt"))
