"""Arithmetic on the entries of shapes: each function computes one entry for every N at once, or says that it cannot."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isfinite, lcm

import numpy as np
from numpy.typing import NDArray

from batchproof.validate.independence.polynomial import ONE, ZERO, Poly
from batchproof.validate.independence.symbols import Symbols
from batchproof.validate.independence.tensor import Value

# Halves and quarters of lengths are exact in every float type; thirds are rounded, and what follows is not provable.
_FINEST = 4096
# Factors up to here, counted in the smallest fraction among them, keep lengths exact in the type that the graph
# computes them in: float32 counts to 2^24, int32 to 2^31. Constants beyond are followed, for they are the "to the end"
# of slices and the scales of a Resize, but nothing is computed with them.
_LARGEST_FLOAT, _LARGEST_INTEGER = 2**16, 2**31 - 1
_FOLLOWED = ("bool", "int32", "int64", "float32", "float64")

_Entry = Callable[..., Poly]


class NoValueError(Exception):
    """The entry cannot be expressed; the tensor stays without values."""


def entries_of(array: NDArray[np.generic]) -> Value | None:
    """Wrap a small constant; None for element types and numbers that are not shape arithmetic."""
    if array.dtype.name not in _FOLLOWED:
        return None
    integral = array.dtype.kind != "f"
    try:
        polys = [_number(entry) for entry in array.reshape(-1).tolist()]
    except NoValueError:
        return None
    entries = np.empty(len(polys), dtype=object)
    entries[:] = polys
    return Value(entries.reshape(array.shape), integral)


def _number(entry: float | int) -> Poly:
    if isinstance(entry, float):
        if not isfinite(entry):
            raise NoValueError
        return Poly.of(Fraction(entry))
    return Poly.of(int(entry))


def exact(integral: bool, poly: Poly) -> Poly:
    """Return `poly` where every machine computes it exactly; what may be rounded or overflow has no value."""
    largest = _LARGEST_INTEGER if integral else _LARGEST_FLOAT
    finest = lcm(*(Fraction(factor).denominator for _, factor in poly.terms))
    if finest > _FINEST or finest & (finest - 1):
        raise NoValueError
    if any(abs(Fraction(factor) * finest) > largest for _, factor in poly.terms):
        raise NoValueError
    return poly


def floor(symbols: Symbols, integral: bool, poly: Poly) -> Poly:
    """Cast to integers: rounds to zero, which is down from 0 on; what int32 cannot hold has no value."""
    exact(True, poly)
    if poly.integral:
        return poly
    if poly.least is None or poly.least < 0:
        raise NoValueError
    return symbols.floor(poly)


def as_float(symbols: Symbols, integral: bool, poly: Poly) -> Poly:
    """Cast to a floating-point type, where that is exact."""
    return exact(False, poly)


def _floor(symbols: Symbols, integral: bool, poly: Poly) -> Poly:
    return poly if poly.integral else symbols.floor(poly)


def _ceil(symbols: Symbols, integral: bool, poly: Poly) -> Poly:
    return poly if poly.integral else -symbols.floor(-poly)


def _add(symbols: Symbols, integral: bool, left: Poly, right: Poly) -> Poly:
    return exact(integral, left + right)


def _subtract(symbols: Symbols, integral: bool, left: Poly, right: Poly) -> Poly:
    return exact(integral, left - right)


def _multiply(symbols: Symbols, integral: bool, left: Poly, right: Poly) -> Poly:
    return exact(integral, left * right)


def _divide(symbols: Symbols, integral: bool, left: Poly, right: Poly) -> Poly:
    exact(integral, left)
    exact(integral, right)
    number = right.constant
    if not number and not symbols.positive(right):  # a divisor that may be 0
        raise NoValueError
    quotient = left.over(right) if left.integral and right.integral else None
    if quotient is not None:
        return quotient
    if not number:
        raise NoValueError
    if not integral:
        return exact(integral, left * Poly.of(Fraction(1) / number))
    if number < 0 or left.least is None or left.least < 0:
        raise NoValueError
    return symbols.floor_divide(left, int(number), positive=True)


def _modulo(symbols: Symbols, integral: bool, left: Poly, right: Poly) -> Poly:
    exact(integral, left)
    number = right.whole
    if not integral or number is None or number <= 0 or left.least is None or left.least < 0:
        raise NoValueError
    return left - symbols.floor_divide(left, number) * right


def _negate(symbols: Symbols, integral: bool, poly: Poly) -> Poly:
    return exact(integral, -poly)


def _not(symbols: Symbols, integral: bool, poly: Poly) -> Poly:
    if poly.whole not in (0, 1):
        raise NoValueError
    return ONE - poly


def _where(symbols: Symbols, integral: bool, condition: Poly, left: Poly, right: Poly) -> Poly:
    if condition.constant is None:
        if left == right:
            return left
        raise NoValueError
    return left if condition.constant else right


def _sign(symbols: Symbols, left: Poly, right: Poly) -> int:
    """The sign of left - right, where it is the same for all N."""
    difference = left - right
    if difference.constant is not None:
        return (difference.constant > 0) - (difference.constant < 0)
    if symbols.positive(difference):
        return 1
    if symbols.positive(-difference):
        return -1
    raise NoValueError


def _compare(holds: Callable[[int], bool]) -> _Entry:
    def entry(symbols: Symbols, integral: bool, left: Poly, right: Poly) -> Poly:
        return ONE if holds(_sign(symbols, left, right)) else ZERO

    return entry


def _larger(symbols: Symbols, integral: bool, left: Poly, right: Poly) -> Poly:
    return left if _sign(symbols, left, right) >= 0 else right


def _smaller(symbols: Symbols, integral: bool, left: Poly, right: Poly) -> Poly:
    return right if _sign(symbols, left, right) >= 0 else left


def _same(symbols: Symbols, integral: bool, poly: Poly) -> Poly:
    return poly


ARITHMETIC: dict[str, _Entry] = {
    "Add": _add,
    "Ceil": _ceil,
    "Div": _divide,
    "Equal": _compare(lambda sign: sign == 0),
    "Floor": _floor,
    "Greater": _compare(lambda sign: sign > 0),
    "GreaterOrEqual": _compare(lambda sign: sign >= 0),
    "Identity": _same,
    "Less": _compare(lambda sign: sign < 0),
    "LessOrEqual": _compare(lambda sign: sign <= 0),
    "Max": _larger,
    "Min": _smaller,
    "Mod": _modulo,
    "Mul": _multiply,
    "Neg": _negate,
    "Not": _not,
    "Sub": _subtract,
    "Where": _where,
}
