"""Ensembles: steps, and which tensor of which model is which tensor of the ensemble."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchproof.deploy.lint.proto_message import Message
from batchproof.deploy.lint.triton.config import IO, Config, entries
from batchproof.deploy.lint.triton.repository import Model, Repositories, Repository, is_ensemble


@dataclass(frozen=True)
class Step:
    """One step: `inputs` and `outputs` are the tensors of the ensemble by those of the model."""

    message: Message
    model_name: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    model: Model | None

    @property
    def config(self) -> Config | None:
        """Return what the model declares; None when it is absent, cannot be parsed, or leaves that to its backend."""
        config = self.model.config if self.model else None
        return config if config and config.inputs and config.outputs else None


@dataclass(frozen=True)
class Ensemble:
    """An ensemble with its steps in the order of the file."""

    repository: Repository
    model: Model
    config: Config
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Mapping:
    """A tensor of an ensemble as one model, or the ensemble itself, declares it."""

    tensor: str
    of: str
    io: IO
    shape: tuple[int, ...]
    batches: bool
    step: Message

    @property
    def whole(self) -> tuple[int, ...]:
        """The dims with the batch axis, where there is one."""
        return (-1, *self.shape) if self.batches else self.shape


def ensembles(read: Repositories) -> Iterator[Ensemble]:
    """Yield every ensemble."""
    for repository, model in read.models:
        for config in model.configs:
            if is_ensemble(config):
                yield Ensemble(repository, model, config, tuple(_steps(repository, config)))


def _steps(repository: Repository, config: Config) -> Iterator[Step]:
    scheduling = config.message.message("ensemble_scheduling")
    for step in scheduling.messages("step") if scheduling else ():
        name = step.text("model_name")
        inputs, outputs = (_pairs(step, key) for key in ("input_map", "output_map"))
        yield Step(step, name, inputs, outputs, repository.model(name))


def _pairs(step: Message, key: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, entry.text("value")) for name, entry in entries(step, key))


def mappings(ensemble: Ensemble) -> Iterator[Mapping]:
    """Yield every declaration of every tensor, those of the ensemble first."""
    own = ensemble.config
    for io in own.tensors:
        yield Mapping(io.name, ensemble.model.name, io, io.shape, own.batches, io.message)
    for step in ensemble.steps:
        config = step.config
        if config is None:
            continue
        for pairs, tensors in ((step.inputs, config.inputs), (step.outputs, config.outputs)):
            by_name = {io.name: io for io in tensors}
            for name, tensor in pairs:
                if declared := by_name.get(name):
                    yield Mapping(tensor, step.model_name, declared, declared.dims, config.batches, step.message)
