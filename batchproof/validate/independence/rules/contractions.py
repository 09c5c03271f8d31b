"""Sums of products: MatMul, Gemm, Einsum. All three are one rule on labelled axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from batchproof.validate.independence.broadcasting import broadcast, broadcast_length, repeats
from batchproof.validate.independence.call import Call, show
from batchproof.validate.independence.domain import LossError, frozen, mixed, unknown
from batchproof.validate.independence.polynomial import ONE, Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Tensor, free, placed

Labels = Sequence[str]


def contract(call: Call, operands: Sequence[Tensor], labels: Sequence[Labels], output: Labels) -> Tensor:
    """Sum over the labels that are not in `output`.

    Sound because the element at some labels is made of the elements at the same labels: the batch stays apart when it
    has one label in all batched operands, and that label is not summed over.
    """
    found = {
        (names[place.axis], place.at(0))
        for tensor, names in zip(operands, labels, strict=True)
        if (place := call.place(tensor)) is not None
    }
    lengths = {name: _length(call, operands, labels, name) for name in output}
    dims = tuple(lengths[name] for name in output)
    if not found:
        return free(dims, steady=all(tensor.constant for tensor in operands))
    if len(found) > 1:
        raise mixed("it multiplies every frame with every other: its operands hold the batch on different axes")
    name, place = found.pop()
    if name not in output:
        raise _summed(operands, labels, name)
    for tensor, names in zip(operands, labels, strict=True):
        _repeats(tensor, names, name, place.outer * call.symbols.batch * place.inner)
    return placed(dims, place.at(list(output).index(name)), call.symbols.batch)


def _summed(operands: Sequence[Tensor], labels: Sequence[Labels], name: str) -> LossError:
    """A constant operand of fixed length there means that the node runs for one batch size only."""
    for tensor, names in zip(operands, labels, strict=True):
        length = tensor.dims[list(names).index(name)].whole if name in names else None
        if length is not None and not tensor.batched:
            return frozen(f"it multiplies the axis that holds the batch with a constant of {length} rows")
    return mixed("it sums over the axis that holds the frames of the batch")


def _length(call: Call, operands: Sequence[Tensor], labels: Sequence[Labels], name: str) -> Poly:
    lengths = [
        tensor.dims[list(names).index(name)] for tensor, names in zip(operands, labels, strict=True) if name in names
    ]
    return reduce(lambda left, right: broadcast_length(call.symbols, left, right), lengths, ONE)


def _repeats(tensor: Tensor, names: Labels, name: str, length: Poly) -> None:
    axis = list(names).index(name) if name in names else -1
    if not tensor.batched and any(dim.batch for other, dim in enumerate(tensor.dims) if other != axis):
        raise unknown(f"a free operand {show(tensor.dims)} has axes as long as the batch that are not the batch's")
    repeats(tensor, axis, length)


@rule("MatMul")
def matmul(call: Call) -> Result:
    """[..., m, k] times [..., k, n]; leading axes broadcast."""
    left, right = call.operand(0), call.operand(1)
    first = _matrix_labels(len(left.dims), "m", "k", vector="k")
    second = _matrix_labels(len(right.dims), "k", "n", vector="k")
    leading = max(first[:-2], second[:-2], key=len)
    output = [*leading, *(name for name in (*first[-2:], *second[-2:]) if name in "mn")]
    return contract(call, [left, right], [first, second], output)


def _matrix_labels(rank: int, row: str, column: str, *, vector: str) -> list[str]:
    if rank < 2:
        return [vector]
    return [*(f"leading {axis}" for axis in range(rank - 2, 0, -1)), row, column]


@rule("Gemm")
def gemm(call: Call) -> Result:
    """[m, k] times [k, n], either transposed, plus a bias that broadcasts."""
    first = ["k", "m"] if call.flag("transA") else ["m", "k"]
    second = ["n", "k"] if call.flag("transB") else ["k", "n"]
    result = contract(call, [call.operand(0), call.operand(1)], [first, second], ["m", "n"])
    return broadcast(call, [result, call.operand(2)]) if call.has(2) else result


@rule("Einsum")
def einsum(call: Call) -> Result:
    """Its equation names the axes; a letter twice in one operand is a diagonal and not covered."""
    equation = call.string("equation", "").replace(" ", "")
    left, arrow, output = equation.partition("->")
    labels = left.split(",")
    if not arrow:
        letters = left.replace(",", "")
        output = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    if "." in equation or any(len(set(names)) < len(names) for names in (*labels, output)):
        raise unknown(f"its equation '{equation}' has an ellipsis or a diagonal")
    if [len(names) for names in labels] != [len(tensor.dims) for tensor in call.given]:
        raise unknown(f"its equation '{equation}' does not fit its operands")
    return contract(call, call.given, labels, output)
