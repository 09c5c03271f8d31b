"""Multivariate polynomials over named positive integers: what a dimension is when the batch is the symbol N.

Two equal polynomials are equal numbers for every N; two different ones may still be equal for some. Everything built on
this module therefore only ever concludes from equality.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod

Number = int | Fraction
# Atoms by number, in ascending order, repeated by their power.
Monomial = tuple["Atom", ...]


@dataclass(frozen=True, order=True, slots=True)
class Atom:
    """An integer that is not known: N, a height, or a quotient of those.

    `batch` tells whether its value may change with the size of the batch; it is at least `least`, where that is known.
    """

    number: int
    name: str
    batch: bool = False
    least: int | None = 1

    def __hash__(self) -> int:
        """The number identifies an atom within one proof."""
        return self.number


@dataclass(frozen=True, slots=True)
class Poly:
    """A polynomial with rational coefficients, as (monomial, coefficient) pairs in descending order, none zero."""

    terms: tuple[tuple[Monomial, Number], ...]

    @classmethod
    def of(cls, value: Number | Atom) -> Poly:
        """Wrap a number or one atom."""
        if isinstance(value, Atom):
            return cls((((value,), 1),))
        return cls((((), _tidy(value)),)) if value else cls(())

    @classmethod
    def from_terms(cls, terms: Mapping[Monomial, Number]) -> Poly:
        """Bring terms into their one order."""
        kept = [(monomial, _tidy(factor)) for monomial, factor in terms.items() if factor]
        return cls(tuple(sorted(kept, key=lambda term: (len(term[0]), term[0]), reverse=True)))

    @property
    def constant(self) -> Number | None:
        """The number that this is, when it is one."""
        if not self.terms:
            return 0
        monomial, factor = self.terms[0]
        return factor if len(self.terms) == 1 and not monomial else None

    @property
    def whole(self) -> int | None:
        """The integer that this is, when it is one."""
        number = self.constant
        return number if isinstance(number, int) else None

    @property
    def batch(self) -> bool:
        """Whether the value may change with the size of the batch."""
        return any(atom.batch for monomial, _ in self.terms for atom in monomial)

    @property
    def least(self) -> Number | None:
        """A lower bound; None when a product is subtracted, or one of integers that may be negative is part of it."""
        total: Number = 0
        for monomial, factor in self.terms:
            bounds = [atom.least for atom in monomial]
            if monomial and (factor < 0 or any(bound is None or bound < 0 for bound in bounds)):
                return None
            total += factor * prod(bound for bound in bounds if bound is not None)
        return total

    @property
    def positive(self) -> bool:
        """Whether the value is an integer and provably at least 1."""
        return self.integral and self.least is not None and self.least >= 1

    @property
    def integral(self) -> bool:
        """Whether all coefficients are integers."""
        return all(isinstance(factor, int) for _, factor in self.terms)

    def __add__(self, other: Poly) -> Poly:
        terms = dict(self.terms)
        for monomial, factor in other.terms:
            terms[monomial] = terms.get(monomial, 0) + factor
        return Poly.from_terms(terms)

    def __neg__(self) -> Poly:
        return Poly(tuple((monomial, -factor) for monomial, factor in self.terms))

    def __sub__(self, other: Poly) -> Poly:
        return self + -other

    def __mul__(self, other: Poly) -> Poly:
        if self == ONE or other == ONE:
            return other if self == ONE else self
        terms: dict[Monomial, Number] = {}
        for (left, first), (right, second) in self._pairs(other):
            monomial = tuple(sorted(left + right))
            terms[monomial] = terms.get(monomial, 0) + first * second
        return Poly.from_terms(terms)

    def _pairs(self, other: Poly) -> Iterator[tuple[tuple[Monomial, Number], tuple[Monomial, Number]]]:
        return ((left, right) for left in self.terms for right in other.terms)

    def over(self, divisor: Poly) -> Poly | None:
        """Return the quotient when `divisor` divides this exactly in integer coefficients; otherwise None."""
        if not divisor.terms:
            return None
        rest, quotient = self, ZERO
        lead, factor = divisor.terms[0]
        while rest.terms:
            monomial = _without(rest.terms[0][0], lead)
            share = Fraction(rest.terms[0][1]) / factor
            if monomial is None or share.denominator != 1:
                return None
            step = Poly(((monomial, int(share)),))
            quotient, rest = quotient + step, rest - step * divisor
        return quotient

    def common(self, other: Poly) -> Poly:
        """Return the largest monomial with integer factor that divides both; both must be integral and not zero."""
        shared: Monomial = self.terms[0][0]
        number = 0
        for monomial, factor in (*self.terms, *other.terms):
            shared = _shared(shared, monomial)
            number = gcd(number, int(factor))
        return Poly(((shared, number),))

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        return " + ".join(_term(monomial, factor) for monomial, factor in self.terms).replace("+ -", "- ")


ZERO = Poly(())
ONE = Poly((((), 1),))


def _tidy(number: Number) -> Number:
    return int(number) if isinstance(number, Fraction) and number.denominator == 1 else number


def _without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    rest = list(monomial)
    for atom in divisor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def _shared(left: Monomial, right: Monomial) -> Monomial:
    rest, shared = list(right), []
    for atom in left:
        if atom in rest:
            rest.remove(atom)
            shared.append(atom)
    return tuple(shared)


def _term(monomial: Monomial, factor: Number) -> str:
    names = [atom.name for atom in monomial]
    return "*".join(names if factor == 1 and names else [str(factor), *names])
