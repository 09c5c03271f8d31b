"""Walks a graph once, in its topological order, and applies the rule of each node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import onnx

from batchproof.validate.independence.call import Call
from batchproof.validate.independence.constants import constant_tensor, sparse_tensor
from batchproof.validate.independence.domain import (
    SEVERITY,
    Batched,
    Cause,
    Free,
    LossError,
    Lost,
    Mixed,
    Pinned,
    Unknown,
)
from batchproof.validate.independence.rules import RULES
from batchproof.validate.independence.symbols import Symbols
from batchproof.validate.independence.tensor import Tensor, free

_STANDARD = ("", "ai.onnx")
_LOOK_AT_SHAPE_ONLY = ("EyeLike", "Shape", "Size")
# What a rule stumbles over when a graph gives its operator inputs that do not fit.
_MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Scope = dict[str, Tensor]


@dataclass
class Interpreter:
    """The state of one walk: symbols, and the node of the main graph that is being looked at."""

    opset: int
    symbols: Symbols
    index: int = field(default=0, init=False)

    def run(self, graph: onnx.GraphProto, inputs: Mapping[str, Tensor]) -> Scope:
        """Return the abstract tensor of every name of the main graph."""
        scope = {**_constants(graph), **inputs}
        for index, node in enumerate(graph.node):
            self.index = index
            self._visit(node, scope)
        return scope

    def _visit(self, node: onnx.NodeProto, scope: Scope) -> None:
        operands = tuple(self._operand(node, name, scope) for name in node.input)
        results = self._results(node, operands, scope)
        for position, name in enumerate(node.output):
            extra = self._lost(node, Unknown, f"output {position} of {node.op_type} has no rule")
            if name in scope:
                scope[name] = self._lost(node, Unknown, f"'{name}' is defined twice")
            elif name:
                scope[name] = results[position] if position < len(results) else extra

    def _operand(self, node: onnx.NodeProto, name: str, scope: Scope) -> Tensor | None:
        if not name:
            return None
        return scope.get(name) or self._lost(node, Unknown, f"its input '{name}' is not defined before it")

    def _results(self, node: onnx.NodeProto, operands: tuple[Tensor | None, ...], scope: Scope) -> tuple[Tensor, ...]:
        absorbed = _absorbed(node, [tensor for tensor in operands if tensor is not None])
        if absorbed is not None:
            return (absorbed,) * len(node.output)
        rule = RULES.get(node.op_type) if node.domain in _STANDARD else None
        try:
            if rule is None:
                raise LossError(Unknown, _no_rule(node))
            result = rule(Call(node, operands, self.opset, self.symbols, lambda graph: self._branch(graph, scope)))
        except LossError as loss:
            return (self._after_loss(node, operands, loss),) * len(node.output)
        except _MISFITS:
            return (self._lost(node, Unknown, "its inputs do not fit the operator"),) * len(node.output)
        return result if isinstance(result, tuple) else (result,)

    def _after_loss(self, node: onnx.NodeProto, operands: tuple[Tensor | None, ...], loss: LossError) -> Tensor:
        """A rule that cannot follow constants has still seen that no frame's content is among them."""
        free_of_content = all(isinstance(tensor.layout, Free) for tensor in operands if tensor is not None)
        if loss.layout is Unknown and free_of_content and _is_function_of_inputs(node):
            return free(None, steady=False)
        return self._lost(node, loss.layout, loss.reason)

    def _branch(self, graph: onnx.GraphProto, scope: Scope) -> tuple[Tensor, ...]:
        inner = {**scope, **_constants(graph)}
        for node in graph.node:
            self._visit(node, inner)
        return tuple(inner[output.name] for output in graph.output)

    def _lost(self, node: onnx.NodeProto, layout: type[Lost], reason: str) -> Tensor:
        tensor = node.output[0] if node.output else ""
        cause = Cause(self.index, node.name or tensor, node.op_type, tensor, reason)
        return Tensor(layout(cause), None)


def _constants(graph: onnx.GraphProto) -> Scope:
    dense = {tensor.name: constant_tensor(tensor) for tensor in graph.initializer}
    return {**dense, **{tensor.values.name: sparse_tensor(tensor) for tensor in graph.sparse_initializer}}


def _absorbed(node: onnx.NodeProto, operands: Iterable[Tensor]) -> Tensor | None:
    """What has happened to one operand has happened to the result; particular frames that meet others are mixed."""
    tensors = list(operands)
    if node.op_type in _LOOK_AT_SHAPE_ONLY and all(tensor.shape is not None for tensor in tensors):
        return None
    for kind in SEVERITY:
        causes = [tensor.layout.cause for tensor in tensors if isinstance(tensor.layout, kind)]
        if causes:
            meets_others = kind is Pinned and any(isinstance(tensor.layout, Batched) for tensor in tensors)
            layout = Mixed if meets_others else kind
            return Tensor(layout(min(causes, key=lambda cause: cause.index)), None)
    return None


def _is_function_of_inputs(node: onnx.NodeProto) -> bool:
    """Not of what else is in scope, of chance, or of whatever an unknown operator reads."""
    has_subgraph = any(attribute.HasField("g") for attribute in node.attribute)
    random = node.op_type.startswith("Random") or node.op_type in ("Bernoulli", "Multinomial", "Dropout")
    return node.op_type in RULES and node.domain in _STANDARD and not has_subgraph and not random


def _no_rule(node: onnx.NodeProto) -> str:
    domain = f" of the domain '{node.domain}'" if node.domain not in _STANDARD else ""
    return f"there is no rule for the operator {node.op_type}{domain}, so nothing can be said about what it does"
