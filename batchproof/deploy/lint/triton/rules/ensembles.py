"""Ensembles: what is written about them, and about the models in them."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.triton.backends import ENSEMBLE
from batchproof.deploy.lint.triton.config import flag, number
from batchproof.deploy.lint.triton.ensemble import Ensemble, Step, ensembles
from batchproof.deploy.lint.triton.repository import Repositories

_FORBIDDEN = ("instance_group", "optimization", "model_warmup")
_NEWEST = -1


def _steps(read: Repositories) -> Iterator[tuple[Ensemble, Step]]:
    return ((ensemble, step) for ensemble in ensembles(read) for step in ensemble.steps)


def _scheduling(read: Repositories) -> Iterator[Fault]:
    for ensemble in ensembles(read):
        place = ensemble.config.place("ensemble_scheduling")
        if ensemble.config.message.text("platform") != ENSEMBLE:
            sentence = 'ensemble_scheduling of a model that is no platform: "ensemble": the server refuses it'
            yield Fault(place, sentence, 'Write platform: "ensemble"')
        elif not ensemble.steps:
            yield Fault(place, "an ensemble without steps: the server refuses it", "Add ensemble_scheduling with steps")


def _forbidden(read: Repositories) -> Iterator[Fault]:
    for ensemble in ensembles(read):
        for key in _FORBIDDEN:
            if ensemble.config.message.has(key):
                sentence = f"{key} of an ensemble, which runs nothing itself: the server refuses it"
                yield Fault(ensemble.config.place(key), sentence, "Write it into the models of the steps")


def _step(read: Repositories) -> Iterator[Fault]:
    for ensemble, step in _steps(read):
        for key in ("model_name", "input_map", "output_map"):
            if not step.message.has(key) or (key == "model_name" and not step.model_name):
                sentence = f"a step without {key}: the server refuses the ensemble"
                yield Fault(ensemble.config.place(key, step.message), sentence, f"Add {key}")


def _model(read: Repositories) -> Iterator[Fault]:
    for ensemble, step in _steps(read):
        if step.model is None and step.model_name and not step.message.has("model_namespace"):
            sentence = f"model {quoted(step.model_name)} is not in the repository: the server refuses the ensemble"
            place = ensemble.config.place("model_name", step.message)
            yield Fault(place, sentence, "Add the model, or correct its name")


def _version(read: Repositories) -> Iterator[Fault]:
    for ensemble, step in _steps(read):
        version = number(step.message, "model_version") if step.message.has("model_version") else _NEWEST
        if step.model and step.model.versions and version not in (_NEWEST, *step.model.versions):
            sentence = f"version {version} of {quoted(step.model_name)} is not there: the server refuses the ensemble"
            yield Fault(ensemble.config.place("model_version", step.message), sentence, "Write -1 for the newest")


def _unmapped(read: Repositories) -> Iterator[Fault]:
    for ensemble, step in _steps(read):
        mapped = {name for name, _ in step.inputs}
        for io in step.config.inputs if step.config and mapped else ():
            if io.name not in mapped and not flag(io.message, "optional"):
                sentence = f"input {quoted(io.name)} of {quoted(step.model_name)} gets nothing: the server refuses"
                place = ensemble.config.place("input_map", step.message)
                yield Fault(place, f"{sentence} the ensemble", f"Add it to the input_map: key: {quoted(io.name)}")


def _tensor(read: Repositories) -> Iterator[Fault]:
    for ensemble, step in _steps(read):
        if step.config is None:
            continue
        sides = (("input", step.inputs, step.config.inputs), ("output", step.outputs, step.config.outputs))
        for side, pairs, tensors in sides:
            names = [io.name for io in tensors]
            for name, _ in pairs:
                if name not in names:
                    sentence = f"{quoted(step.model_name)} has no {side} {quoted(name)}: the server refuses"
                    place = ensemble.config.place(f"{side}_map", step.message)
                    yield Fault(place, f"{sentence} the ensemble", f"It has {', '.join(map(quoted, names))}")


def _batch(read: Repositories) -> Iterator[Fault]:
    for ensemble, step in _steps(read):
        config = step.model.config if step.model else None
        largest = config.max_batch_size if config else 0
        if 0 < largest < ensemble.config.max_batch_size:
            name, batch = quoted(step.model_name), ensemble.config.max_batch_size
            sentence = f"max_batch_size is {batch}, that of {name} is {largest}"
            place = ensemble.config.place("max_batch_size")
            yield Fault(place, f"{sentence}: the server refuses the ensemble", f"Write max_batch_size: {largest}")


def _cycle(read: Repositories) -> Iterator[Fault]:
    found = list(ensembles(read))
    needs = {
        (ensemble.repository.folder, ensemble.model.name): {
            (ensemble.repository.folder, step.model_name) for step in ensemble.steps
        }
        for ensemble in found
    }
    for ensemble in found:
        if _reaches_itself((ensemble.repository.folder, ensemble.model.name), needs):
            sentence = f"{quoted(ensemble.model.name)} needs itself, in the end: the server refuses the ensemble"
            yield Fault(ensemble.config.place("ensemble_scheduling"), sentence, "Take it out of its own steps")


Key = tuple[str, str]


def _reaches_itself(start: Key, needs: dict[Key, set[Key]]) -> bool:
    seen: set[Key] = set()
    waiting = list(needs[start])
    while waiting:
        key = waiting.pop()
        if key == start:
            return True
        if key not in seen:
            seen.add(key)
            waiting += needs.get(key, ())
    return False


RULES = (
    Rule("ensemble.scheduling", "error", "An ensemble without steps, or without its platform.", _scheduling),
    Rule("ensemble.forbidden", "error", "Instances, optimization or warm-up of an ensemble.", _forbidden),
    Rule("ensemble.step", "error", "A step without model or maps.", _step),
    Rule("ensemble.model", "error", "A model that is not in the repository.", _model),
    Rule("ensemble.version", "error", "A version that its model does not have.", _version),
    Rule("ensemble.unmapped", "error", "An input of a model that gets nothing.", _unmapped),
    Rule("ensemble.tensor", "error", "An input or output that the model does not have.", _tensor),
    Rule("ensemble.batch", "error", "`max_batch_size` above that of one of its models.", _batch),
    Rule("ensemble.cycle", "error", "An ensemble that needs itself.", _cycle),
)
