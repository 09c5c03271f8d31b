"""Versions: folders that the server takes for one, and the files in them."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.document import Place
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.triton.config import Config, number, numbers
from batchproof.deploy.lint.triton.repository import Model, Repositories, is_ensemble, is_version


def _none(read: Repositories) -> Iterator[Fault]:
    for _, model in read.models:
        file = model.file(model.config) if model.config else None
        if (model.has_config or model.configs) and not model.versions and not (file and read.is_made_here(file)):
            sentence = "has no version, a folder whose name is a number: the server refuses the model"
            yield Fault(model.place, sentence, f"Make {model.folder}/1, of an ensemble too")


def _name(read: Repositories) -> Iterator[Fault]:
    for _, model in read.models:
        for name in model.folders:
            if not is_version(name):
                sentence = f"{quoted(name)} is no number, or has a leading zero: the server ignores the folder"
                yield Fault(Place(f"{model.folder}/{name}"), sentence, "Name it 1, or take it out of the repository")


def _file(read: Repositories) -> Iterator[Fault]:
    told: set[str] = set()
    for model, config, path in _model_files(read):
        name = path.removeprefix(f"{model.folder}/")
        if path not in told and not _is_there(model, name) and not read.is_made_here(path):
            told.add(path)  # alternatives need the same file
            backend = model.backend(config)
            happens = "the server hangs in loading it" if backend == "python" else f"backend {backend} refuses it"
            sentence = f"{quoted(path)} is not there, and no script makes it: {happens}"
            remedy = "Put it there, or name the file that is with default_model_filename"
            yield Fault(config.place("default_model_filename"), sentence, remedy)


def _model_files(read: Repositories) -> Iterator[tuple[Model, Config, str]]:
    """Yield the path of what the backend opens of every version that is served."""
    for model, config in read.configs:
        file = None if is_ensemble(config) else model.file(config)
        if file:
            yield from ((model, config, f"{model.folder}/{version}/{file}") for version in _served(model, config))


def _is_there(model: Model, path: str) -> bool:
    """Whether a file is there, or a folder, which a large ONNX may be."""
    return any(name == path or name.startswith(f"{path}/") for name in model.files)


def _served(model: Model, config: Config) -> list[int]:
    """Return the versions that the policy serves; by default the newest."""
    policy = config.message.message("version_policy")
    if policy is None:
        return model.versions[:1]
    if specific := policy.message("specific"):
        return [version for version in numbers(specific, "versions") if version in model.versions]
    latest = policy.message("latest")
    return model.versions[: number(latest, "num_versions")] if latest else model.versions


def _policy(read: Repositories) -> Iterator[Fault]:
    for model, config in read.configs:
        policy = config.message.message("version_policy")
        if policy is None or not model.versions:
            continue
        place = config.place("version_policy")
        specific = policy.message("specific")
        for version in numbers(specific, "versions") if specific else ():
            if version not in model.versions:
                sentence = f"version {version} is not there: the server logs it, and serves the others, if any"
                yield Fault(place, sentence, f"Write {', '.join(map(str, model.versions))}")
        if not _served(model, config) and not (specific and numbers(specific, "versions")):
            yield Fault(place, "serves no version at all: the server refuses the model", "Write latest or all")


RULES = (
    Rule("version.none", "error", "A model without a version.", _none),
    Rule("version.name", "warning", "A folder of a model that is no version.", _name),
    Rule("version.file", "error", "A version without its model, which no script of the folder makes.", _file),
    Rule("version.policy", "error", "A `version_policy` of versions that are not there, or of none.", _policy),
)
