"""From a model to the abstract tensor of every name in its main graph."""

from __future__ import annotations

import onnx
import onnx.checker
import onnx.inliner

from batchproof.validate.independence.inputs import abstract_inputs
from batchproof.validate.independence.interpreter import Interpreter
from batchproof.validate.independence.symbols import Symbols
from batchproof.validate.independence.tensor import free
from batchproof.validate.independence.trace import Trace

_STANDARD = ("", "ai.onnx")
_NEWEST_OPSET = 26
# Before it, operators normalised by the batch, dropped at random and broadcast in ways of their own, by default.
_OLDEST_OPSET = 7


class UnreadableError(Exception):
    """The rules cannot even begin."""


def interpret(model: onnx.ModelProto, *, content: bool = True) -> Trace:
    """Inline the functions of `model` and interpret its main graph, for a batch of any size.

    Declared batch sizes and recorded shapes are not believed. `model` is not changed; nothing is executed. Raises
    `UnreadableError` with the reason when it is not clear what the graph means. Without `content`, only lengths are
    followed: no rule then gives up for what it cannot say about the frames.
    """
    model = _inlined(model)
    opset = _opset(model)
    symbols = Symbols()
    inputs = abstract_inputs(model.graph, symbols)
    if not content:
        inputs = {name: free(tensor.shape, steady=False) for name, tensor in inputs.items()}
    scope = Interpreter(opset, symbols).run(model.graph, inputs)
    return Trace(model.graph, scope, tuple(inputs), symbols)


def _inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    if not model.functions:
        return model
    # The inliner of ONNX forgets them: an axis that a function gives by default becomes that of the operator.
    if any(function.attribute_proto for function in model.functions):
        raise UnreadableError("the graph has functions whose attributes have defaults; inline them first")
    try:
        model = onnx.inliner.inline_local_functions(model)
    except onnx.checker.ValidationError as error:
        raise UnreadableError(f"the functions of the graph are not valid: {error}") from error
    if model.functions:
        raise UnreadableError("the graph has functions that could not be inlined")
    return model


def _opset(model: onnx.ModelProto) -> int:
    opsets = {int(each.version) for each in model.opset_import if each.domain in _STANDARD}
    if len(opsets) > 1:
        raise UnreadableError("the graph imports two versions of the standard operators")
    opset = max(opsets, default=0)
    if opset > _NEWEST_OPSET:
        raise UnreadableError(f"the rules end with opset {_NEWEST_OPSET}, the graph has {opset}")
    if opset < _OLDEST_OPSET:
        raise UnreadableError(f"the rules begin with opset {_OLDEST_OPSET}, the graph has {opset}; convert it first")
    return opset
