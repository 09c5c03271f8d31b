"""Pass: the names of the first nodes say whether the graph normalises its input, for insightface decides by them."""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir

from batchproof.surgery.passes import PassResult, Reason, RecognisedPass, changed, unchanged
from batchproof.surgery.shapes import image_input
from batchproof.zoo.recognise import names_tell_normalisation

_SHIFTS, _FACTORS = {"Sub", "Add"}, {"Mul", "Div"}
# What may lie between a pixel and its normalisation without changing the value.
_CARRIERS = {"Cast", "Gather", "Identity", "Slice", "Transpose"}


class TellNormalisation(RecognisedPass):
    """Rename nodes until insightface's rule and the graph agree; nothing else changes.

    The rule: normalisation is in the graph when among the names of the first eight nodes one starts with `Sub` or
    `_minus` and one with `Mul` or `_mul`. The truth: the image is shifted and scaled by constants before anything else.
    torch writes names like `/Sub`, which hide it; a `Sub` and a `Mul` of another layer pretend it.
    """

    def call(self, model: ir.Model) -> PassResult:
        """Rename what hides or pretends a normalisation."""
        image = image_input(model, self._recognition.input_name)
        nodes = _normalisation(image)
        told = _told(model)
        if nodes is not None and not told:
            return PassResult.of(model, map(_reveal, nodes, ("Sub", "Mul")), otherwise="")
        if nodes is None and told:
            # In the whole graph: surgery may bring later nodes among the first eight.
            return PassResult.of(model, [_hide(node) for node in model.graph if _tells(node)], otherwise="")
        inside = "inside the graph" if told else "outside the graph"
        return PassResult.of(model, (), otherwise=f"its first names say rightly that normalisation is {inside}")

    def ensures(self, model: ir.Model) -> None:
        """Check that the rule finds what is there: a normalisation behind more than six other nodes stays hidden."""
        nodes = _normalisation(image_input(model, self._recognition.input_name))
        if nodes is not None and not _told(model):
            names = " and ".join(f"'{node.name}'" for node in nodes)
            raise ir.passes.PostconditionError(f"{names} normalise the input, but are not among the first eight nodes")


def _told(model: ir.Model) -> bool:
    return names_tell_normalisation(str(node.name) for node in model.graph)


def _tells(node: ir.Node) -> bool:
    return str(node.name).startswith(("Sub", "_minus", "Mul", "_mul"))


def _normalisation(image: ir.Value) -> tuple[ir.Node, ir.Node] | None:
    """Return the nodes that shift and that scale the image, if it meets both before anything else."""
    met = list(_arithmetic(image))
    shift = next((node for node in met if node.op_type in _SHIFTS), None)
    factor = next((node for node in met if node.op_type in _FACTORS), None)
    return None if shift is None or factor is None else (shift, factor)


def _arithmetic(value: ir.Value) -> Iterator[ir.Node]:
    """Follow the image while one node reads it: what else that node reads has then seen nothing of the image."""
    while len(readers := [node for node, _ in value.uses() if node.op_type != "Shape"]) == 1:
        node = readers[0]
        if node.op_type in _SHIFTS | _FACTORS:
            yield node
        elif node.op_type not in _CARRIERS:
            return
        value = node.outputs[0]


def _reveal(node: ir.Node, kind: str) -> Reason:
    if str(node.name).startswith(kind):
        return unchanged(node.name, "insightface understands its name")
    because = "insightface would not see that it normalises the input, and do it a second time"
    return _rename(node, f"{kind}_{node.name}", because)


def _hide(node: ir.Node) -> Reason:
    because = "insightface would take it for a part of the normalisation, which is outside this graph"
    return _rename(node, f"node_{node.name}", because)


def _rename(node: ir.Node, name: str, because: str) -> Reason:
    before, node.name = node.name, name
    return changed(before, f"is now called '{name}': {because}")
