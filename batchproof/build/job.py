"""One build: a graph for a target, with the profiles of its engine, and the files that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batchproof.build.container.engine_script import JOB_SUFFIX
from batchproof.profile import EngineProfiles
from batchproof.targets import Target
from batchproof.zoo.spec import ModelSpec, Precision


@dataclass(frozen=True)
class Job:
    """One graph to build for one target, into files that are named as `engine_files` or `script_files` say."""

    graph: Path
    outputs: Sequence[Path]
    target: Target
    precision: Precision
    profiles: EngineProfiles
    spec: ModelSpec
    subject: str


def engine_files(target: Target, stem: str, profiles: EngineProfiles, precision: Precision) -> tuple[str, ...]:
    """Name what a build gives: a session alone, an engine with its description, nothing on a provider of ONNX Runtime.

    The names are relative, with `/` where the target wants folders.
    """
    if target.builder == "ort":
        return () if target.is_provider else (target.engine_name(stem, profiles, precision),)
    engine = target.engine_name(stem, profiles, precision)
    return (engine, f"{engine}.json")


def script_files(stem: str) -> tuple[str, ...]:
    """Name what a container gets for one engine: the graph itself, its job, and a description of inputs and outputs."""
    return (f"{stem}.onnx", f"{stem}{JOB_SUFFIX}", f"{stem}.io.json")
