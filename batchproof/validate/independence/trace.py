"""Looking back from a result: on which way the frames came, and where on it the batch left the first axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import onnx

from batchproof.validate.independence.call import show
from batchproof.validate.independence.domain import Cause, Free
from batchproof.validate.independence.symbols import Symbols
from batchproof.validate.independence.tensor import Place, Tensor, find_place


@dataclass(frozen=True)
class Trace:
    """A graph, and what the interpreter found for each of its tensors."""

    graph: onnx.GraphProto
    scope: dict[str, Tensor]
    inputs: tuple[str, ...]
    symbols: Symbols

    @cached_property
    def producers(self) -> dict[str, int]:
        """The index of the node that makes each tensor."""
        return {name: index for index, node in enumerate(self.graph.node) for name in node.output}

    def cause(self, tensor: str, reason: str) -> Cause:
        """Blame the node that makes `tensor`."""
        index = self.producers.get(tensor)
        if index is None:
            return Cause(-1, tensor, "graph output", tensor, reason)
        node = self.graph.node[index]
        return Cause(index, node.name or tensor, node.op_type, tensor, reason)

    def path_to(self, cause: Cause) -> tuple[str, ...]:
        """Return the tensors on a shortest way from an input of the graph to the tensor of `cause`, both included.

        Only tensors that frames' content reaches are on it. Empty when the culprit is outside of the main graph.
        """
        if not 0 <= cause.index < len(self.graph.node):
            return ()
        node = self.graph.node[cause.index]
        end = cause.tensor if cause.tensor in node.output else node.output[0]
        behind: dict[str, str] = {}
        frontier = [end]
        for tensor in frontier:
            if tensor in self.inputs:
                return _unwound(tensor, behind)
            for source in self._sources(tensor):
                if source not in behind and source != end:
                    behind[source] = tensor
                    frontier.append(source)
        return ()

    def _sources(self, tensor: str) -> list[str]:
        index = self.producers.get(tensor)
        names = self.graph.node[index].input if index is not None else []
        return [name for name in names if name in self.scope and not isinstance(self.scope[name].layout, Free)]

    def where_first_axis_is_lost(self, output: str) -> Cause:
        """Walk back from a batched output to the last node before which the batch was better placed."""
        name, seen = output, {output}
        while True:
            sources = [source for source in self._sources(name) if source not in seen]
            if not sources:
                return self.cause(output, f"its result {self._shown(output)} does not have the batch as first axis")
            best = max(sources, key=self._order)
            if self._order(best) > self._order(name):
                return self.cause(name, self._loss(best, name))
            name = best
            seen.add(name)

    def before_frozen(self, cause: Cause) -> Cause:
        """Blame an earlier node when that took the batch its own axis, so that the node of `cause` cannot fit."""
        node = self.graph.node[cause.index]
        for name in node.input:
            if name in self.scope and self.scope[name].batched and not self._order(name):
                return self.where_first_axis_is_lost(name)
        return cause

    def _place(self, name: str) -> Place | None:
        return find_place(self.scope[name], self.symbols.batch) if self.scope[name].batched else None

    def _order(self, name: str) -> int:
        """2 for the batch as first axis, 1 for another axis of its own, 0 for anything else."""
        place = self._place(name)
        if place is None or not place.own:
            return 0
        return 2 if place.axis == 0 else 1

    def _loss(self, before: str, after: str) -> str:
        place = self._place(before)
        axis = place.axis if place is not None else 0
        shapes = f"{self._shown(before)} becomes {self._shown(after)}"
        if self._order(after) == 1:
            return f"{shapes}: the batch leaves the first axis"
        if axis == 0:
            return f"{shapes}: the batch is no axis of its own any more, the rows of all frames lie behind one another"
        return f"{shapes}: the batch, axis {axis}, is merged with other axes, and the rows of the frames interleave"

    def _shown(self, name: str) -> str:
        return show(self.scope[name].shape or ())


def _unwound(start: str, behind: dict[str, str]) -> tuple[str, ...]:
    path = [start]
    while path[-1] in behind:
        path.append(behind[path[-1]])
    return tuple(path)
