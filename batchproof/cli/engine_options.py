"""Options of the verbs that build engines, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from batchproof.engine_options import EngineOptions, Hardware
from batchproof.errors import InputError

if TYPE_CHECKING:
    from batchproof.build.tensorrt.timing_cache import TimingCache

_PANEL = "Engines"

Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="NAME",
        help="What to build for, such as rtx, local or deepstream-8.0, see batchproof targets; repeat it.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Tf32 = Annotated[
    bool,
    typer.Option(
        "--tf32",
        help="Let FP32 convolutions round their inputs to 10 bits: faster, off by default.",
        rich_help_panel=_PANEL,
    ),
]
Level = Annotated[
    int | None,
    typer.Option("--optimisation-level", metavar="0..5", help="Of the builder; its own is 3.", rich_help_panel=_PANEL),
]
Workspace = Annotated[
    int | None,
    typer.Option("--workspace", metavar="MIB", help="Limit of scratch memory.", rich_help_panel=_PANEL),
]
HardwareOption = Annotated[
    Hardware,
    typer.Option("--hardware", help="Which other GPUs may load the engine; slower.", rich_help_panel=_PANEL),
]
VersionCompatible = Annotated[
    bool,
    typer.Option("--version-compatible", help="Later TensorRT releases may load it.", rich_help_panel=_PANEL),
]
DistributiveIndependence = Annotated[
    bool,
    typer.Option(
        "--distributive-independence",
        help="Compute slices along a distributive axis by identical operations.",
        rich_help_panel=_PANEL,
    ),
]
Capabilities = Annotated[
    list[str] | None,
    typer.Option(
        "--compute-capability",
        metavar="8.6",
        help="GPUs that TensorRT-RTX compiles for, or current; repeat it; default: all that it knows.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Engines that were built before; default: $BATCHPROOF_CACHE, or batchproof/engines in your cache folder.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Build every engine anew.", rich_help_panel=_PANEL)]
Jobs = Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Builds at a time.", rich_help_panel=_PANEL)]
TimingMode = Annotated[
    Literal["off", "record", "verified"],
    typer.Option(
        "--timing-cache",
        help="Tactics of TensorRT: measured anew, recorded to a file, or held to a recording.",
        rich_help_panel=_PANEL,
    ),
]
TimingFile = Annotated[
    Path | None,
    typer.Option(
        "--timing-cache-file",
        metavar="FILE",
        help="The recording of one engine, with FILE.sha256 beside it.",
        rich_help_panel=_PANEL,
    ),
]
TimingHash = Annotated[
    str | None,
    typer.Option(
        "--timing-cache-sha256",
        metavar="HASH",
        help="The SHA-256 that the recording must have, as in FILE.sha256.",
        rich_help_panel=_PANEL,
    ),
]


def cache_of(folder: Path | None, none: bool) -> Path | None:
    """Return the folder of the engine cache; None when none is wanted."""
    from batchproof.build.cache.engine_cache import default_root

    if none and folder is not None:
        raise InputError("--cache and --no-cache exclude each other", remedy="Leave one away")
    return None if none else folder or default_root()


def timing_cache_of(mode: str, file: Path | None, sha256: str | None) -> TimingCache | None:
    """Return the timing cache of one engine; raises `InputError` for half of one."""
    from batchproof.build.tensorrt.timing_cache import TimingCache

    if mode == "off":
        if file is not None or sha256 is not None:
            raise InputError("a timing cache is named and not used", remedy="Add --timing-cache record or verified")
        return None
    if file is None:
        raise InputError(f"--timing-cache {mode} needs a file", remedy="Name it with --timing-cache-file")
    return TimingCache("record" if mode == "record" else "verified", file, sha256)


def options_of(
    tf32: bool,
    level: int | None,
    workspace: int | None,
    hardware: Hardware,
    version_compatible: bool,
    distributive_independence: bool,
    capabilities: list[str] | None,
) -> EngineOptions:
    """Gather the builder's options."""
    return EngineOptions(
        tf32=tf32,
        optimisation_level=level,
        workspace_mib=workspace,
        hardware=hardware,
        version_compatible=version_compatible,
        distributive_independence=distributive_independence,
        compute_capabilities=tuple(capabilities or ()),
    )
