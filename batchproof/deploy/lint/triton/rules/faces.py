"""The model `faces` that `batchproof deploy triton` writes: its pipeline, and what an operator may change."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from batchproof.deploy.lint.document import Place
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.keys import nearest
from batchproof.deploy.lint.triton.config import Config, entries, flag
from batchproof.deploy.lint.triton.repository import Model, Repositories, Repository
from batchproof.deploy.triton.serving.contract import FRAME, IMAGE, PIPELINE_FILE
from batchproof.deploy.triton.serving.parameters import Parameters, read_parameters
from batchproof.errors import InputError

_PARAMETERS = {field.name: field.default for field in fields(Parameters)}
_RUN_AGAIN = "Write the bundle anew: batchproof deploy triton"


@dataclass(frozen=True)
class Part:
    """A network that a pipeline asks: the model of the repository, and how many images it gets at most."""

    model: str
    batch: int


def _pipelines(read: Repositories) -> Iterator[tuple[Repository, Model, str]]:
    """Yield every model that has a pipeline, with the path of the file."""
    for repository, model in read.models:
        paths = (f"{model.folder}/{version}/{PIPELINE_FILE}" for version in model.versions)
        yield from ((repository, model, path) for path in paths if path in read.texts)


def _parts(text: str) -> list[Part] | None:
    """Read a pipeline; None for what is none."""
    try:
        content = json.loads(text)
        found = [content["detector"], content["embedder"], *content.get("heads", [])]
        return [_part(one) for one in found]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _part(content: dict[str, Any]) -> Part:
    model, batch = content["model"], content["batch"]
    if not isinstance(model, str) or not isinstance(batch, int):
        raise TypeError
    return Part(model, batch)


def _pipeline(read: Repositories) -> Iterator[Fault]:
    for repository, _, path in _pipelines(read):
        parts = _parts(read.texts[path])
        if parts is None:
            yield Fault(Place(path), "is no description of a pipeline: the model does not start", _RUN_AGAIN)
        for part in parts or ():
            if repository.model(part.model) is None:
                sentence = f"model {quoted(part.model)} is not in the repository: every request fails that needs it"
                yield Fault(Place(path), sentence, f"Add it. Or: {_RUN_AGAIN}")


def _batch(read: Repositories) -> Iterator[Fault]:
    for repository, _, path in _pipelines(read):
        for part in _parts(read.texts[path]) or ():
            model = repository.model(part.model)
            largest = model.config.max_batch_size if model and model.config else None
            if largest is not None and part.batch > largest:
                sentence = f"sends {part.batch} images at once to {quoted(part.model)}"
                yield Fault(
                    Place(path), f"{sentence}, whose max_batch_size is {largest}: the server refuses them", _RUN_AGAIN
                )


def _served(read: Repositories) -> Iterator[tuple[Repository, Config, str]]:
    """Yield every configuration of a model with a pipeline, with the text of the newest."""
    newest = {model.folder: (repository, path) for repository, model, path in reversed(list(_pipelines(read)))}
    for model, config in read.configs:
        if model.folder in newest:
            repository, path = newest[model.folder]
            yield repository, config, read.texts[path]


def _input(read: Repositories) -> Iterator[Fault]:
    for _, config, _ in _served(read):
        declared = {io.name: io for io in config.inputs}
        for wanted in (FRAME, IMAGE):
            io = declared.get(wanted.name)
            same = io is not None and (io.data_type, io.dims) == (f"TYPE_{wanted.data_type}", wanted.dims)
            if io is None or not same or not flag(io.message, "optional"):
                right = f"TYPE_{wanted.data_type}, dims {list(wanted.dims)}, optional: true"
                sentence = f"input {quoted(wanted.name)} is not the one that the model reads: requests are refused"
                yield Fault(
                    config.place("name" if io else "input", io.message if io else None),
                    sentence,
                    f"Write it as {right}",
                )


def _size(read: Repositories) -> Iterator[Fault]:
    for repository, config, text in _served(read):
        asked = {name: entry.message("value") for name, entry in entries(config.message, "parameters")}
        detector = next((repository.model(part.model) for part in _parts(text) or ()), None)
        image = next(iter(detector.config.inputs), None) if detector and detector.config else None
        for name, size in zip(("height", "width"), image.dims[-2:] if image else (), strict=False):
            value = asked.get(name)
            given = value.text("string_value") if value else str(_PARAMETERS[name])
            if size > 0 and given.isdecimal() and int(given) != size:
                sentence = f"{name} is {given}, and the detector takes {size} alone: every request fails"
                yield Fault(config.place("parameters"), sentence, f"Write {size}, or build a detector of that size")


def _parameters(read: Repositories) -> Iterator[tuple[str, str, Place]]:
    """Yield name, value and place of every parameter of a model with a pipeline."""
    with_pipeline = {posixpath.dirname(posixpath.dirname(path)) for _, _, path in _pipelines(read)}
    for model, config in read.configs:
        if model.folder in with_pipeline:
            for name, entry in entries(config.message, "parameters"):
                value = entry.message("value")
                yield name, value.text("string_value") if value else "", config.place("key", entry)


def _parameter(read: Repositories) -> Iterator[Fault]:
    for name, _, place in _parameters(read):
        # Names in capitals are Triton's own, such as EXECUTION_ENV_PATH.
        if name not in _PARAMETERS and not name.isupper():
            meant = nearest(name, _PARAMETERS)
            sentence = f"{quoted(name)} is no parameter of this model, which does not start"
            known = ", ".join(_PARAMETERS)
            yield Fault(place, sentence, f"Write {meant}" if meant else f"Leave it out; there are {known}")


def _value(read: Repositories) -> Iterator[Fault]:
    for name, value, place in _parameters(read):
        if name in _PARAMETERS and (error := _refusal(name, value)):
            yield Fault(place, f"{error.what}: the model does not start", error.remedy or "Leave it out")


def _refusal(name: str, value: str) -> InputError | None:
    """Return what the model itself says of a value; None when it takes it."""
    try:
        read_parameters({"parameters": {name: {"string_value": value}}})
    except InputError as error:
        return error
    return None


RULES = (
    Rule("faces.pipeline", "error", "A pipeline.json that is none, or that names an absent model.", _pipeline),
    Rule("faces.batch", "error", "A pipeline that sends more than a network takes.", _batch),
    Rule("faces.input", "error", "Other inputs than the model reads.", _input),
    Rule("faces.size", "error", "A size that the detector does not take.", _size),
    Rule("faces.parameter", "error", "A parameter that the model does not have.", _parameter),
    Rule("faces.value", "error", "A parameter that is no number, or out of its range.", _value),
)
