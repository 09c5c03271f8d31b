"""The contract of a surgery pass: the pass infrastructure of onnx-ir, plus a reason for everything done or left."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from dataclasses import dataclass

import onnx_ir as ir

from batchproof.zoo.recognise import Recognition


@dataclass(frozen=True)
class Reason:
    """Why one node or tensor was changed, or was not.

    `sentence` is written for the person who deploys the model; it starts with "not changed because" when `changed` is
    false.
    """

    subject: str
    sentence: str
    changed: bool


def changed(subject: str | None, sentence: str) -> Reason:
    """State a change."""
    return Reason(subject or "", sentence, changed=True)


def unchanged(subject: str | None, because: str) -> Reason:
    """State that something was looked at and left as it is."""
    return Reason(subject or "", f"not changed because {because}", changed=False)


@dataclass
class PassResult(ir.passes.PassResult):
    """The model after a pass, whether it differs, and why; there is always at least one reason."""

    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, model: ir.Model, reasons: Iterable[Reason], *, otherwise: str) -> PassResult:
        """Count the model as modified when any reason is a change; without reasons, `otherwise` becomes the one."""
        given = tuple(reasons) or (unchanged(model.graph.name, otherwise),)
        return cls(model, any(reason.changed for reason in given), given)


class SurgeryPass(ir.passes.InPlacePass):
    """A pass that changes the model in place and explains itself.

    Calling it checks `requires` and `ensures` around `call`; a violation is a `PreconditionError` or a
    `PostconditionError` of onnx-ir, which names the node or tensor.
    """

    @abc.abstractmethod
    def call(self, model: ir.Model) -> PassResult:
        """Change `model` and return it with the reasons."""

    def __call__(self, model_or_result: ir.Model | ir.passes.PassResult, /) -> PassResult:
        """Run the pass between its two checks."""
        result = super().__call__(model_or_result)
        if not isinstance(result, PassResult):
            raise TypeError(f"{type(self).__name__} returned no reasons")
        return result


class RecognisedPass(SurgeryPass):
    """A pass that speaks about the input and the outputs of a recognised model."""

    def __init__(self, recognition: Recognition) -> None:
        self._recognition = recognition

    def requires(self, model: ir.Model) -> None:
        """Check that the graph has the tensors that were recognised."""
        known = {value.name for value in (*model.graph.inputs, *model.graph.outputs)}
        for name in (self._recognition.input_name, *self._recognition.output_names):
            if name not in known:
                raise ir.passes.PreconditionError(f"the graph has no input or output '{name}'")
