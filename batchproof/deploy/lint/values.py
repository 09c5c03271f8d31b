"""Values as DeepStream's own parsers read them; None is what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value", int, float)
_TRUTHS = {"1": True, "true": True, "0": False, "false": False}
# What a parser of 32-bit integers takes; also the length of the longest of them, as Python converts long ones slowly.
_LARGEST, _LONGEST = 2**31 - 1, 11


def as_integer(text: str) -> int | None:
    """Read a decimal integer of 32 bits; GKeyFile stops reading at a blank, whatever comes behind."""
    digits = next(iter(text.split(maxsplit=1)), "")
    if len(digits) > _LONGEST or not digits.lstrip("+-").isdecimal() or not digits.isascii():
        return None
    try:
        number = int(digits)
    except ValueError:  # two signs
        return None
    return number if -_LARGEST <= number <= _LARGEST else None


def as_number(text: str) -> float | None:
    """Read a finite number; here nothing may come behind."""
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def as_boolean(text: str) -> bool | None:
    """Read what GKeyFile takes for a truth value: 1, 0, true, false."""
    return _TRUTHS.get(text.strip())


def as_list(text: str) -> list[str]:
    """Split at `;`; one at the end, which GKeyFile's own writer puts there, is no further item."""
    items = text.strip().removesuffix(";").split(";")
    return [item.strip() for item in items] if items != [""] else []


def as_integers(text: str) -> list[int] | None:
    """Read `1;2;3`."""
    return _all(text, as_integer)


def as_numbers(text: str) -> list[float] | None:
    """Read `0.5;1;2.5`."""
    return _all(text, as_number)


def _all(text: str, read: Callable[[str], Value | None]) -> list[Value] | None:
    values = [read(item) for item in as_list(text)]
    read_ones = [value for value in values if value is not None]
    return read_ones if len(read_ones) == len(values) and values else None
