"""Putting a known batch defect, a few nodes, in the place of one tensor of a safe graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from batchproof.validate.independence.domain import Kind

PREFIX = "defect"


@dataclass
class Defect:
    """The nodes so far; `x` is the tensor `[N, *frame]` that they damage."""

    x: str
    frame: tuple[int, ...]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Append a node and name its first output."""
        names = [f"{PREFIX}_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"{PREFIX}_{op}_{len(self.nodes)}", **attributes))
        return names[0]

    def floats(self, values: object) -> str:
        """A float32 constant."""
        return self._constant(np.array(values, np.float32))

    def ints(self, *values: int) -> str:
        """A vector of integers."""
        return self._constant(np.array(values, np.int64))

    def _constant(self, values: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(values, f"{PREFIX}_constant_{len(self.constants)}"))
        return self.constants[-1].name

    def reshape(self, x: str, *target: int) -> str:
        """To constants, among them 0 and -1."""
        return self.node("Reshape", x, self.ints(*target))

    def swapped(self, x: str) -> str:
        """Exchange batch and channels."""
        return self.node("Transpose", x, perm=[1, 0, *range(2, 1 + len(self.frame))])

    def cut(self, start: int, end: int, step: int = 1) -> str:
        """A slice of the batch."""
        return self.node("Slice", self.x, *(self.ints(number) for number in (start, end, 0, step)))


@dataclass(frozen=True)
class Mutant:
    """`at_output` mutants stand behind an output of the graph, the others keep the shape and stand anywhere."""

    name: str
    kind: Kind
    damage: Callable[[Defect], str]
    at_output: bool


MUTANTS: list[Mutant] = []


def mutant(kind: Kind, *, at_output: bool = False) -> Callable[[Callable[[Defect], str]], Callable[[Defect], str]]:
    """Register a function that appends a defect and names its result; the function's name is the mutant's."""

    def register(damage: Callable[[Defect], str]) -> Callable[[Defect], str]:
        MUTANTS.append(Mutant(damage.__name__.replace("_", " "), kind, damage, at_output))
        return damage

    return register


def injected(model: onnx.ModelProto, tensor: str, frame: Iterable[int], defective: Mutant) -> onnx.ModelProto:
    """Copy `model` with `defective` between `tensor`, `[N, *frame]`, and whatever reads it, outputs included."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    defect = Defect(tensor, tuple(frame))
    damaged = defective.damage(defect)
    index = next(index for index, node in enumerate(result.graph.node) if tensor in node.output)
    before, behind = list(result.graph.node[: index + 1]), list(result.graph.node[index + 1 :])
    for node in behind:
        node.input[:] = [damaged if name == tensor else name for name in node.input]
    for output in result.graph.output:
        output.name = damaged if output.name == tensor else output.name
    del result.graph.node[:]
    result.graph.node.extend([*before, *defect.nodes, *behind])
    result.graph.initializer.extend(defect.constants)
    return result
