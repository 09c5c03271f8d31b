"""Values that the parser of an element refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.document import ConfigFile
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.keys import Key
from batchproof.deploy.lint.known_entries import at, known_entries
from batchproof.deploy.lint.values import as_boolean, as_integer, as_integers, as_number, as_numbers

_READERS: dict[str, Callable[[str], object | None]] = {
    "integer": as_integer,
    "number": as_number,
    "boolean": as_boolean,
    "integers": as_integers,
    "numbers": as_numbers,
}
_CALLED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "0 or 1",
    "integers": "whole numbers with ; between them",
    "numbers": "numbers with ; between them",
}


def _value(bundle: Bundle) -> Iterator[Fault]:
    for config, _, entry, key in known_entries(bundle):
        if key and (wrong := _wrong_value(key, entry.value, config)):
            sentence = (
                f"{entry.key} is {quoted(entry.value)}, {wrong}; {config.role} refuses the file and does not start"
            )
            yield Fault(at(config, entry), sentence, _value_remedy(key, entry.value))


def _wrong_value(key: Key, written: str, config: ConfigFile) -> str | None:
    """Say what is wrong with a value; None when the element takes it."""
    if config.format == "yaml" and key.type == "boolean":
        return None if as_integer(written) in (0, 1) else "and the YAML parser takes 0 and 1 alone"
    if config.format == "pbtxt":
        return _wrong_field(key, written)
    value = _READERS[key.type](written) if key.type in _READERS else written
    if value is None:
        return f"which is not {_CALLED[key.type]}"
    if isinstance(value, list):
        return f"which is not {key.count} values" if key.count not in (None, len(value)) else None
    return _out_of_range(key, value)


def _wrong_field(key: Key, written: str) -> str | None:
    if key.type == "name":
        return None if written in key.names else f"which is none of {', '.join(key.names)}"
    if key.type in ("integer", "number"):
        number = as_number(written)
        return _out_of_range(key, number) if number is not None else f"which is not {_CALLED[key.type]}"
    return None


def _out_of_range(key: Key, value: object) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if key.values and value not in key.values:
        return f"which is none of {', '.join(map(str, key.values))}"
    if key.least is not None and value < key.least:
        return f"which is less than {key.least:g}"
    return f"which is more than {key.most:g}" if key.most is not None and value > key.most else None


def _value_remedy(key: Key, written: str) -> str:
    if "#" in written:
        return "A # behind a value is no comment in these files: put the comment on a line of its own"
    if key.count:
        return f"Give {key.count} values with ; between them"
    if key.values or key.names:
        return "Write one of them"
    if key.most is not None:
        return f"Write {key.least or 0:g} to {key.most:g}"
    return f"Write {_CALLED[key.type]}" + ("" if key.least is None else f", {key.least:g} or more")


RULES = (Rule("keys.value", "error", "A value of the wrong type, out of range, or with a comment behind it.", _value),)
