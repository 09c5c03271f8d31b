"""The known targets: `targets.toml`, read once and checked key by key."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from batchproof.artifacts import toml_file
from batchproof.errors import InputError
from batchproof.targets.target import Target

_SUGGESTED = 3
TARGETS = Path(__file__).with_name("targets.toml")


def target(name: str) -> Target:
    """Return the target of that name; raises `InputError` that lists the closest ones, the likeliest first."""
    known = {target.name: target for target in all_targets()}
    if name not in known:
        closest = ", ".join(_closest(name, known)[:_SUGGESTED])
        raise InputError(f"target '{name}' is not known", remedy=f"Choose {closest}, or another of docs/targets.md")
    return known[name]


@cache
def all_targets() -> tuple[Target, ...]:
    """Every target, in the order of `targets.toml`."""
    return read_targets(TARGETS.read_text(encoding="utf-8"))


def read_targets(text: str) -> tuple[Target, ...]:
    """Read targets from TOML; raises `ValueError` that names a key that is unknown or has an impossible value."""
    content = toml_file.parse(text)
    families, refusals = content["families"], content["refusals"]
    rows = [_inherited(row, families) for row in content["targets"]]
    return TypeAdapter(tuple[Target, ...]).validate_python(
        [{**row, "refusals": refusals[row["builder"]]} for row in rows]
    )


def _inherited(row: Mapping[str, Any], families: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Complete a target by what its family says."""
    family = families[row["family"]] if "family" in row else {}
    return {**family, **row, "notes": [*family.get("notes", ()), *row.get("notes", ())]}


def _closest(name: str, known: Mapping[str, Target]) -> list[str]:
    """Of names that share as many letters, the one with more of them in a row comes first."""

    def likeness(candidate: str) -> tuple[float, int]:
        match = SequenceMatcher(None, name.lower(), candidate)
        return match.ratio(), match.find_longest_match().size

    return sorted(known, key=likeness, reverse=True)
