"""Optimisation profiles as the records of a store have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from batchproof.profile import Profile


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class _Written(Profile):
    """A profile as a record has it, and nothing else."""


_PROFILES = TypeAdapter(tuple[_Written, ...])


def recorded_profiles(settings: Mapping[str, Any]) -> tuple[Profile, ...]:
    """Read the profiles among a record's settings; none where another version has written what is none here."""
    try:
        return _PROFILES.validate_python(settings.get("profiles", ()))
    except ValidationError:
        return ()
