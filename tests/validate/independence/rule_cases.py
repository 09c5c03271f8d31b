"""One operator on a small graph, what the proof must say of it, and whether ONNX Runtime can be asked as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx

from batchproof.errors import BatchproofError
from batchproof.validate.independence import prove
from batchproof.validate.independence.domain import Kind
from batchproof.verdict import Status
from tests.validate.independence.execution import violation
from tests.validate.independence.small_graphs import model

FRAME = (4, 6, 8)


@dataclass(frozen=True)
class Case:
    """The image is [N, 4, 6, 8]; `kind` tells what a refutation must be. `runs` is False without a kernel."""

    nodes: Sequence[onnx.NodeProto]
    constants: Mapping[str, Any] = field(default_factory=dict)
    status: Status = Status.PROVEN
    kind: Kind | None = None
    opset: int = 18
    runs: bool = True

    @property
    def model(self) -> onnx.ModelProto:
        """With a free batch; the output is what the last node makes first."""
        output = self.nodes[-1].output[0]
        return model(self.nodes, self.constants, opset=self.opset, output=output, batch="N")

    @property
    def operators(self) -> set[str]:
        """Of the main graph."""
        return {node.op_type for node in self.nodes}

    def check(self) -> None:
        """Ask the proof, and ONNX Runtime: the first must be as expected, the second must not contradict it."""
        proof = prove(self.model)
        assert (proof.status, proof.kind) == (self.status, self.kind), proof
        assert proof.reason
        if self.runs:
            broken = self._broken()
            assert self.status is Status.UNKNOWN or (self.status is Status.PROVEN) == (broken is None), broken

    def _broken(self) -> str | None:
        try:
            return violation(self.model, FRAME, batches=(1, 3))
        except BatchproofError as error:
            if "cannot load" in str(error):
                raise
            return str(error)


def mixes(nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Any] | None = None, **settings: Any) -> Case:
    """A case that must be refuted for content."""
    return Case(nodes, constants or {}, Status.REFUTED, "content", **settings)


def misfiles(nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Any] | None = None, **settings: Any) -> Case:
    """A case that must be refuted for layout."""
    return Case(nodes, constants or {}, Status.REFUTED, "layout", **settings)


def undecided(nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Any] | None = None, **settings: Any) -> Case:
    """A case that must stay unknown."""
    return Case(nodes, constants or {}, Status.UNKNOWN, **settings)
