"""One node as its rule sees it: operands, attributes, opset, and the questions that all rules ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import onnx

from batchproof.validate.independence.domain import mixed, unknown
from batchproof.validate.independence.polynomial import ONE, Poly
from batchproof.validate.independence.symbols import Symbols
from batchproof.validate.independence.tensor import Dims, Place, Tensor, find_place, free, placed


@dataclass(frozen=True)
class Call:
    """A node whose operands are all free or batched; what is lost does not reach a rule."""

    node: onnx.NodeProto
    operands: tuple[Tensor | None, ...]
    opset: int
    symbols: Symbols
    subgraph: Callable[[onnx.GraphProto], tuple[Tensor, ...]]

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """The attributes by name."""
        return {each.name: onnx.helper.get_attribute_value(each) for each in self.node.attribute}

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self.attributes.get(name, default))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """An attribute that is 0 or 1; of any other number, runtimes make one or the other."""
        number = self.integer(name, int(default))
        if number not in (0, 1):
            raise unknown(f"its attribute '{name}' is {number}, neither 0 nor 1")
        return bool(number)

    def integers(self, name: str) -> list[int] | None:
        """A list attribute; None when it is not given."""
        given = self.attributes.get(name)
        return None if given is None else [int(each) for each in given]

    def string(self, name: str, default: str) -> str:
        """A string attribute."""
        given = self.attributes.get(name)
        return default if given is None else str(given.decode())

    def has(self, index: int) -> bool:
        """Whether the operand at `index` is given."""
        return index < len(self.operands) and self.operands[index] is not None

    def operand(self, index: int) -> Tensor:
        """The operand at `index`, which the operator requires."""
        tensor = self.operands[index] if index < len(self.operands) else None
        if tensor is None:
            raise unknown(f"its input {index} is missing")
        return tensor

    @property
    def given(self) -> list[Tensor]:
        """All operands that are given."""
        return [tensor for tensor in self.operands if tensor is not None]

    def polys(self, index: int) -> list[Poly]:
        """The values of the operand at `index`: a shape, axes, pads, as they are known for every N."""
        tensor = self.operand(index)
        if tensor.batched:
            raise unknown(f"its parameter '{self.node.input[index]}' is computed from the content of the frames")
        if tensor.value is None:
            raise unknown(f"the value of its parameter '{self.node.input[index]}' cannot be followed")
        return tensor.value.polys()

    def wholes(self, index: int) -> list[int]:
        """The values of the operand at `index`, which must be constants."""
        wholes = [poly.whole for poly in self.polys(index)]
        if None in wholes:
            raise unknown(f"its parameter '{self.node.input[index]}' is not constant")
        return [whole for whole in wholes if whole is not None]

    def listed(self, attribute: str, index: int) -> list[int] | None:
        """Constants that older opsets hold in an attribute and newer ones in an input; None when not given."""
        if attribute in self.attributes:
            return self.integers(attribute)
        return self.wholes(index) if self.has(index) else None

    def parameters(self, *indexes: int) -> None:
        """Require that these operands, where given, are the same constants for every batch."""
        for index in indexes:
            if self.has(index) and not self.operand(index).constant:
                name = self.node.input[index]
                raise unknown(f"its parameter '{name}' is not a constant: it depends on the frames or their number")

    def place(self, tensor: Tensor) -> Place | None:
        """Where the batch is among the axes of `tensor`; None for a free one."""
        if not tensor.batched:
            return None
        place = find_place(tensor, self.symbols.batch)
        if place is None:
            shape = show(tensor.dims)
            raise unknown(f"the batch does not lie on one axis of its input {shape}: an earlier Reshape cut through it")
        return place

    def keeps_apart(self, tensor: Tensor, axes: Sequence[int], what: str) -> Place | None:
        """Return the place of the batch, which must not be on `axes`: along those the operator `what`s."""
        place = self.place(tensor)
        if place is not None and place.axis in axes:
            raise mixed(
                f"it {what} along axis {place.axis} of {show(tensor.dims)}, which holds the frames of the batch"
            )
        return place

    def axis(self, name: str, default: int, rank: int) -> int:
        """An axis attribute, counted from the front."""
        return from_front(self.integer(name, default), rank)

    def settle(self, dims: Sequence[Poly], place: Place | None) -> Tensor:
        """Make the result: batched at `place`, or free, and then steady when everything it is made of is constant."""
        if place is not None:
            return placed(tuple(dims), place, self.symbols.batch)
        return free(tuple(dims), steady=all(tensor.constant for tensor in self.given))


def from_front(axis: int, rank: int) -> int:
    """Count an axis from the front."""
    found = axis + rank if axis < 0 else axis
    if not 0 <= found < max(rank, 1):
        raise unknown(f"it names axis {axis} of a tensor of rank {rank}")
    return found


def show(dims: Dims) -> str:
    """Render a shape."""
    return f"[{', '.join(map(str, dims))}]"


def changed(dims: Dims, axis: int, length: Poly = ONE) -> Dims:
    """Replace the length of one axis."""
    return (*dims[:axis], length, *dims[axis + 1 :])
