"""A graph under construction, kept executable by computing each tensor's shape with numpy for several batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import helper, numpy_helper

BATCHES = (2, 3, 5)
Array = np.ndarray
Apply = Callable[..., Array]
Choice = TypeVar("Choice")


@dataclass
class Builder:
    """Nodes so far, and for each tensor that later steps may use its array of zeros by batch size.

    A careful builder avoids the batch's axis where a step can choose. A step makes nodes with `node`, and offers the
    last of them with `offer`.
    """

    draw: st.DrawFn
    opset: int
    careful: bool
    frame: tuple[int, ...]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    pool: dict[str, dict[int, Array]] = field(default_factory=dict)
    names: int = 0

    def __post_init__(self) -> None:
        self.pool["image"] = {n: np.zeros((n, *self.frame), np.float32) for n in BATCHES}

    def pick(self, options: Sequence[Choice]) -> Choice:
        return self.draw(st.sampled_from(options))

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def tensor(self) -> str:
        return self.pick(list(self.pool)[-3:])

    def last(self) -> str:
        return list(self.pool)[-1]

    def shape(self, name: str, n: int = 3) -> tuple[int, ...]:
        return self.pool[name][n].shape

    def rank(self, name: str) -> int:
        return len(self.shape(name))

    def follows(self, name: str, axis: int) -> bool:
        """Whether the length of an axis changes with the batch."""
        return self.shape(name, 2)[axis] != self.shape(name, 5)[axis]

    def axis(self, name: str) -> int:
        """Any axis; when careful, one whose length does not follow the batch."""
        axes = list(range(self.rank(name)))
        if self.careful:
            axes = [axis for axis in axes if not self.follows(name, axis)] or axes
        return self.pick(axes)

    def constant(self, array: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, shape: tuple[int, ...]) -> str:
        values = np.random.default_rng(len(self.constants)).normal(0, 1, shape)
        return self.constant(values.astype(np.float32))

    def ints(self, values: int | Sequence[int] | Sequence[Sequence[int]]) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def floats(self, values: float | Sequence[float]) -> str:
        return self.constant(np.array(values, dtype=np.float32))

    def outputs(self, count: int, op: str, *inputs: str, **attributes: Any) -> list[str]:
        """Make a node of several outputs."""
        names = [f"t{self.names + index}" for index in range(count)]
        self.names += count
        self.nodes.append(helper.make_node(op, inputs, names, name=f"{op}_{names[0]}", **attributes))
        return names

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Make a node of one output."""
        (name,) = self.outputs(1, op, *inputs, **attributes)
        return name

    def cast(self, name: str, to: int = onnx.TensorProto.FLOAT) -> str:
        return self.node("Cast", name, to=to)

    def with_axes(self, op: str, source: str, axes: list[int], since: int, **attributes: Any) -> str:
        """A node whose axes are an attribute before opset `since` and an input from there on."""
        if self.opset >= since:
            return self.node(op, source, self.ints(axes), **attributes)
        return self.node(op, source, axes=axes, **attributes)

    def offer(self, name: str, apply: Apply, *sources: str) -> None:
        """Let later steps use `name`, whose shape is that of `apply` on `sources`, if that runs for every batch."""
        arrays = {}
        for n in BATCHES:
            try:
                arrays[n] = np.asarray(apply(*(self.pool[source][n] for source in sources)))
            except (ValueError, IndexError):
                return
            if not 0 < arrays[n].size < 4000 or not 1 <= arrays[n].ndim <= 5:
                return
        self.pool[name] = arrays


Step = Callable[[Builder], None]
STEPS: list[Step] = []
# The standard operators by the step that makes them.
OPERATORS: dict[str, Step] = {}


def step(*operators: str, often: int = 1) -> Callable[[Step], Step]:
    """Register a step that makes nodes of `operators`."""

    def register(function: Step) -> Step:
        STEPS.extend([function] * often)
        OPERATORS.update(dict.fromkeys(operators, function))
        return function

    return register


def same(x: Array) -> Array:
    """The shape stays."""
    return x
