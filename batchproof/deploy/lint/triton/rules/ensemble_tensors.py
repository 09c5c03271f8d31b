"""The tensors of ensembles: types and dims that meet, and the way from the inputs to the outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.triton.ensemble import Ensemble, Mapping, ensembles, mappings
from batchproof.deploy.lint.triton.repository import Repositories

_FREE = -1
_REFUSED = "the server refuses the ensemble"


def _differing(
    read: Repositories, agree: Callable[[Mapping, Mapping], bool]
) -> Iterator[tuple[Ensemble, Mapping, Mapping]]:
    """Yield what disagrees with the first declaration of the same tensor."""
    for ensemble in ensembles(read):
        first: dict[str, Mapping] = {}
        for mapping in mappings(ensemble):
            other = first.setdefault(mapping.tensor, mapping)
            if not agree(other, mapping):
                yield ensemble, other, mapping


def _data_type(read: Repositories) -> Iterator[Fault]:
    for ensemble, other, mapping in _differing(read, lambda one, two: one.io.data_type == two.io.data_type):
        sentence = f"{quoted(mapping.tensor)} is {mapping.io.data_type} in {quoted(mapping.of)}, and"
        sentence += f" {other.io.data_type} in {quoted(other.of)}: {_REFUSED}"
        yield Fault(ensemble.config.place("model_name", mapping.step), sentence, "Make them one type")


def _dims(read: Repositories) -> Iterator[Fault]:
    for ensemble, other, mapping in _differing(read, _fit):
        sentence = f"{quoted(mapping.tensor)} is {list(mapping.whole)} in {quoted(mapping.of)}, and"
        sentence += f" {list(other.whole)} in {quoted(other.of)}: {_REFUSED}"
        yield Fault(ensemble.config.place("model_name", mapping.step), sentence, "Make them one shape")


def _fit(one: Mapping, two: Mapping) -> bool:
    """Compare as the server does: without the batch axis, or with it, -1 being any size. Missing dims are elsewhere."""
    if not one.io.dims or not two.io.dims:
        return True
    return _same(one.shape, two.shape) or _same(one.whole, two.whole)


def _same(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    pairs = zip(one, two, strict=False)
    return len(one) == len(two) and all(_FREE in pair or pair[0] == pair[1] for pair in pairs)


def _flow(read: Repositories) -> Iterator[Fault]:
    """The first thing that is wrong with the way of an ensemble: the rest often follows from it."""
    for ensemble in ensembles(read):
        for key, tensor, what in _wrong_flow(ensemble) if _is_complete(ensemble) else ():
            sentence = f"tensor {quoted(tensor)} {what}: {_REFUSED}"
            yield Fault(ensemble.config.place(key), sentence, "Correct input_map and output_map of the steps")
            break


def _is_complete(ensemble: Ensemble) -> bool:
    return bool(ensemble.steps) and all(step.inputs and step.outputs for step in ensemble.steps)


def _wrong_flow(ensemble: Ensemble) -> Iterator[tuple[str, str, str]]:
    """Yield the field, the tensor, and what is wrong with it."""
    own_inputs, own_outputs = ([io.name for io in side] for side in (ensemble.config.inputs, ensemble.config.outputs))
    written = [tensor for step in ensemble.steps for _, tensor in step.outputs]
    taken = {tensor for step in ensemble.steps for _, tensor in step.inputs}
    ready = _ready(ensemble, set(own_inputs))
    for tensor in written:
        if written.count(tensor) > 1:
            yield "ensemble_scheduling", tensor, "is the output of two steps"
    for tensor in own_inputs:
        if tensor not in taken:
            yield "input", tensor, "is an input that no step takes"
    for tensor in own_outputs:
        if tensor not in ready:
            yield "output", tensor, "is an output that no step can write"
    for tensor in sorted(taken - ready):
        yield "ensemble_scheduling", tensor, "is taken by a step, and nobody writes it"
    for tensor in sorted(set(written) - taken - set(own_outputs)):
        yield "ensemble_scheduling", tensor, "is written by a step, and nobody takes it"


def _ready(ensemble: Ensemble, inputs: set[str]) -> set[str]:
    """Return every tensor that the inputs lead to."""
    ready, waiting = inputs, list(ensemble.steps)
    while can_run := [step for step in waiting if {tensor for _, tensor in step.inputs} <= ready]:
        ready = ready | {tensor for step in can_run for _, tensor in step.outputs}
        waiting = [step for step in waiting if step not in can_run]
    return ready


RULES = (
    Rule("ensemble.data_type", "error", "A tensor of two types.", _data_type),
    Rule("ensemble.dims", "error", "A tensor of two shapes.", _dims),
    Rule("ensemble.flow", "error", "A tensor that nobody writes, nobody takes, or that is written twice.", _flow),
)
