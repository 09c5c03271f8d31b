"""What a configuration says, as one of the dataclasses of this package, or refused with the options' names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from batchproof.errors import InputError

Checked = TypeVar("Checked")

_REMEDY = "Known are SCRFD's own configurations, with any blocks, planes, widths and depths"


def validated(kind: type[Checked], value: object, name: str, path: Path) -> Checked:
    """Return `value`, which stands under `name` in the file at `path`, as `kind`.

    Raises `InputError` with the first three options that are unknown, missing or of another type or range.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, (name, *fault['loc'])))}: {fault['msg']}{_given(fault['input'])}"
            for fault in error.errors(include_url=False)[:3]
        )
        raise refused("; ".join(faults), path) from error


def refused(faults: str, path: Path) -> InputError:
    """Say of a configuration that it describes no network here, and why."""
    return InputError(f"configuration refused: {faults}", where=path, remedy=_REMEDY)


def _given(value: object) -> str:
    return "" if isinstance(value, Mapping | list | tuple) else f", not {value!r:.40}"
