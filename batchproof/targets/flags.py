"""Builder options as a user types them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from batchproof.engine_options import EngineOptions, Hardware

OptionName = Literal[
    "tf32",
    "optimisation_level",
    "workspace_mib",
    "hardware",
    "version_compatible",
    "distributive_independence",
    "compute_capabilities",
]
FLAGS: Mapping[OptionName, str] = {
    "tf32": "--tf32",
    "optimisation_level": "--optimisation-level",
    "workspace_mib": "--workspace",
    "hardware": "--hardware",
    "version_compatible": "--version-compatible",
    "distributive_independence": "--distributive-independence",
    "compute_capabilities": "--compute-capability",
}


def typed_options(options: EngineOptions) -> dict[OptionName, str]:
    """Return the chosen options as they were typed; of `--hardware` the level as well, which decides who has it."""
    chosen = {name: flag for name, flag in FLAGS.items() if name in options.chosen}
    return {**chosen, **({"hardware": hardware_flag(options.hardware)} if "hardware" in chosen else {})}


def hardware_flag(level: Hardware) -> str:
    """Return the flag with its level."""
    return f"{FLAGS['hardware']} {level}"
