"""Scalars as protobuf's text format takes them; None is what it refuses."""

from __future__ import annotations

import re

from batchproof.deploy.lint.proto_message import Scalar
from batchproof.deploy.lint.triton.fields import enums

_INTEGER = re.compile(r"-?(?:0[xX][0-9a-fA-F]{1,16}|0[0-7]{0,22}|[1-9][0-9]{0,19})")
_NUMBER = re.compile(r"-?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?|inf|infinity|nan)", re.IGNORECASE)
_RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
_TRUTHS = {"true": True, "True": True, "t": True, "1": True, "false": False, "False": False, "f": False, "0": False}
_CALLED = {"string": "a text in quotes", "bool": "true or false", "float": "a number", "double": "a number"}


def as_integer(text: str, kind: str = "int64") -> int | None:
    """Read a decimal, octal (leading 0) or hexadecimal (0x) integer in the range of its type."""
    if not _INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("-")
    base = 16 if digits[:2].lower() == "0x" else 8 if digits[0] == "0" else 10
    number = int(digits, base) * (-1 if text[0] == "-" else 1)
    least, most = _RANGES[kind]
    return number if least <= number <= most else None


def as_flag(text: str) -> bool | None:
    """Read a truth value."""
    return _TRUTHS.get(text)


def wrong_scalar(kind: str, value: Scalar) -> str | None:
    """Say what a value would have to be; None when it is right. Names of enumerations are not judged here."""
    if value.quoted:
        return None if kind == "string" else called(kind)
    if kind in _RANGES:
        return called(kind) if as_integer(value.text, kind) is None else None
    fine = {
        "bool": value.text in _TRUTHS,
        "float": _NUMBER.fullmatch(value.text) is not None,
        "double": _NUMBER.fullmatch(value.text) is not None,
        "string": False,
    }
    return None if fine.get(kind, True) else called(kind)


def called(kind: str) -> str:
    """Name the type of a field for people."""
    if kind in _RANGES:
        return f"a whole number ({kind})"
    return _CALLED.get(kind) or ("one of its names, without quotes" if kind in enums() else "a message in { }")


def is_name_of(kind: str, text: str) -> bool:
    """Tell whether an enumeration has a value: by its name, or any number, as proto3 takes them."""
    return text in enums()[kind] or as_integer(text, "int32") is not None


def enum_name(kind: str, text: str) -> str:
    """Return the name of a value of an enumeration, which may be written as its number."""
    number = as_integer(text, "int32")
    names = enums()[kind]
    return names[number] if number is not None and 0 <= number < len(names) else text
