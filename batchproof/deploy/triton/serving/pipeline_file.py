"""Which model of the repository does what: `pipeline.json`, beside the served model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchproof.errors import InputError
from batchproof.zoo.spec import InputSpec, ModelSpec, OutputSpec

FORMAT = 1


@dataclass(frozen=True)
class Network:
    """One network: its name without a precision, Triton's model of it, what it is, and how many images one call has."""

    name: str
    model: str
    spec: ModelSpec
    batch: int


@dataclass(frozen=True)
class ServedPipeline:
    """The networks of a pipeline; `heads` are those of landmarks and attributes, in the order of their outputs."""

    detector: Network
    embedder: Network
    heads: tuple[Network, ...]

    @property
    def landmarkers(self) -> tuple[Network, ...]:
        """The heads that give landmarks."""
        return tuple(head for head in self.heads if head.spec.role == "landmarks")

    @property
    def attributes(self) -> Network | None:
        """The head that gives gender and age."""
        return next((head for head in self.heads if head.spec.role == "attributes"), None)


def read_pipeline(path: Path) -> ServedPipeline:
    """Read the file that the emitter has written; raises `InputError` when it is not such a file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", where=path, remedy="Deploy the repository again") from error
    try:
        return _pipeline(content)
    except (KeyError, TypeError, AttributeError) as error:
        remedy = f"Deploy again: this one reads format {FORMAT}"
        raise InputError(f"describes no pipeline ({error!r})", where=path, remedy=remedy) from error


def _pipeline(content: Mapping[str, Any]) -> ServedPipeline:
    if content["format"] != FORMAT:
        raise KeyError(f"format {content['format']}")
    heads = tuple(_network(head) for head in content["heads"])
    return ServedPipeline(_network(content["detector"]), _network(content["embedder"]), heads)


def _network(content: Mapping[str, Any]) -> Network:
    return Network(content["name"], content["model"], _spec(content["spec"]), content["batch"])


def _spec(content: Mapping[str, Any]) -> ModelSpec:
    outputs = tuple(OutputSpec(**output) for output in content["outputs"])
    return ModelSpec(**{**content, "input": InputSpec(**content["input"]), "outputs": outputs})
