"""Pass: input and outputs get the names and the order of the model's spec."""

from __future__ import annotations

import onnx_ir as ir

from batchproof.surgery.constants import fresh_name
from batchproof.surgery.passes import PassResult, Reason, RecognisedPass, changed, unchanged
from batchproof.surgery.shapes import image_input


class NameOutputs(RecognisedPass):
    """Rename the tensors at the border of the graph, and sort its outputs.

    Names of nodes stay: insightface looks at the first eight to decide whether the graph normalises its input.
    """

    def call(self, model: ir.Model) -> PassResult:
        """Move tensors that hold a wanted name out of the way, then rename and sort."""
        spec = self._recognition.spec
        outputs = {value.name: value for value in model.graph.outputs}
        ordered = [outputs[name] for name in self._recognition.output_names]
        names = {image_input(model, self._recognition.input_name): spec.input.name}
        names |= {value: output.name for value, output in zip(ordered, spec.outputs, strict=True)}
        before = {value: str(value.name) for value in names}
        reasons = _make_way(model, names)
        reasons += [_rename(value, before[value], name) for value, name in names.items()]
        reasons.append(_sort(model.graph, ordered))
        return PassResult.of(model, reasons, otherwise="there is nothing to name")

    def ensures(self, model: ir.Model) -> None:
        """Check names and order."""
        wanted = [output.name for output in self._recognition.spec.outputs]
        found = [value.name for value in model.graph.outputs]
        if found != wanted:
            raise ir.passes.PostconditionError(f"the outputs are {found}, expected {wanted}")


def _make_way(model: ir.Model, names: dict[ir.Value, str]) -> list[Reason]:
    reasons = []
    wanted = set(names.values())
    for graph in model.graphs():
        for name, value in ir.convenience.create_value_mapping(graph, include_subgraphs=False).items():
            if name in wanted and names.get(value) != name:
                value.name = fresh_name(model.graph, f"{name}_inner")
                # A tensor of the border gets its final name, and its reason, in the next step.
                if value not in names:
                    reasons.append(changed(name, f"an inner tensor, is now '{value.name}'; the name is needed outside"))
    return reasons


def _rename(value: ir.Value, before: str, name: str) -> Reason:
    if before == name:
        return unchanged(name, "it already has its name")
    value.name = name
    return changed(before, f"is now called '{name}'")


def _sort(graph: ir.Graph, ordered: list[ir.Value]) -> Reason:
    if list(graph.outputs) == ordered:
        return unchanged(graph.name, "its outputs are in order")
    graph.outputs.clear()
    graph.outputs.extend(ordered)
    return changed(graph.name, "its outputs are now sorted: scores, boxes, landmarks, each from the finest level")
