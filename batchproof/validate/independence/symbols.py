"""The unknown integers of one proof, made once each, and the divisions that leave polynomials."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from batchproof.validate.independence.polynomial import ZERO, Atom, Poly

_Key = tuple[str | Poly, ...]


class Symbols:
    """Makes atoms. The same construction from the same arguments is the same atom, so that equal shapes compare equal.

    The argument of a proof is about frame sizes for which no tensor of the graph is empty, so that every dimension is
    at least 1, and for which no quotient or rounded fraction of lengths that the graph computes (H by 32) is 0.
    """

    def __init__(self) -> None:
        self._atoms: dict[_Key, Poly] = {}
        self._positive: set[Poly] = set()
        self.batch = self._make(("N",), "N", batch=True, least=1)

    def dimension(self, kind: str, *parts: Poly) -> Poly:
        """Return the length of an axis that `kind` determines from `parts`."""
        return self._derived(kind, parts, least=None if any(part.batch for part in parts) else 1)

    def fresh(self, kind: str, dim: Poly) -> Poly:
        """Return a length that equals no other: what the runtime decides for one node alone."""
        return self._make((kind, str(len(self._atoms)), dim), kind, batch=dim.batch, least=None if dim.batch else 1)

    def declare_positive(self, poly: Poly) -> None:
        """Record that `poly` is the length of an axis."""
        if not poly.batch:  # nothing is assumed of N
            self._positive.add(poly)

    def positive(self, poly: Poly) -> bool:
        """Tell whether `poly` is provably at least 1."""
        return poly.positive or poly in self._positive

    def floor_divide(self, poly: Poly, divisor: int, *, positive: bool = False) -> Poly:
        """Return floor(poly / divisor), `divisor` >= 1, as far as possible outside the floor.

        `positive` is what the caller knows: that the result, if N is not part of it, is at least 1.
        """
        outside = {monomial: factor // divisor for monomial, factor in poly.terms if factor % divisor == 0}
        inside = {monomial: factor for monomial, factor in poly.terms if factor % divisor}
        # floor((k*q + c) / k) = q + floor(c / k) for the constant c as well.
        constant = inside.pop((), None)
        if constant is not None:
            outside[()] = constant // divisor
            if inside:
                inside[()] = constant % divisor
        result, rest = Poly.from_terms(outside), Poly.from_terms(inside)
        if not inside:
            return result
        least = None if rest.least is None else int(rest.least // divisor)
        # What is inside the floor is only known when nothing outside adds to it; half of a batch may well be nothing.
        if positive and least == 0 and result.constant is not None and result.constant <= 0 and not rest.batch:
            least = 1
        return result + self._derived("floor", (rest, Poly.of(divisor)), least=least)

    def floor(self, poly: Poly) -> Poly:
        """Round a quotient that the graph computes, a polynomial with rational coefficients, down."""
        common = lcm(*(Fraction(factor).denominator for _, factor in poly.terms))
        return self.floor_divide(poly * Poly.of(common), common, positive=True)

    def quotient(self, total: Poly, known: Poly) -> Poly:
        """Return the length that makes `known` elements into `total`; the runtime guarantees that it is exact."""
        exact = total.over(known)
        if exact is not None or known == ZERO or total == ZERO:
            return exact if exact is not None else self.dimension("quotient", total, known)
        common = total.common(known)
        above, below = total.over(common) or total, known.over(common) or known
        return self.dimension("quotient", above, below)

    def _derived(self, kind: str, parts: tuple[Poly, ...], *, least: int | None) -> Poly:
        name = f"{kind}{len(self._atoms)}"
        return self._make((kind, str(least), *parts), name, batch=any(part.batch for part in parts), least=least)

    def _make(self, key: _Key, name: str, *, batch: bool, least: int | None) -> Poly:
        if key not in self._atoms:
            self._atoms[key] = Poly.of(Atom(len(self._atoms), name, batch, least))
        return self._atoms[key]
