"""The `.job` file of one engine: what `build_engines.sh` builds it of, and how it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shlex import quote

from batchproof.artifacts import output_file
from batchproof.build.container.trtexec_flags import option_flags, profile_flags, release_flags
from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.targets import Target
from batchproof.zoo.spec import ModelSpec, Precision

# nvinfer's numbers.
_NETWORK_MODES = {"fp32": 0, "fp16": 2}


@dataclass(frozen=True)
class EngineJob:
    """One engine of a script.

    `onnx` and `engine` are paths below the script's folder, with `/`; `sha256` is that of the ONNX file, which has its
    weights inside, as sha256sum prints it.
    """

    onnx: str
    sha256: str
    input_name: str
    profiles: EngineProfiles
    spec: ModelSpec
    precision: Precision
    options: EngineOptions
    engine: str


def write_job(path: Path, target: Target, job: EngineJob) -> None:
    """Write the `.job` file of one engine.

    Raises `InputError` when the target has no container, or does not support the engine or its options, or for a path
    that means another file inside the container, and `StoreError` when the file cannot be written.
    """
    target.check_container()
    target.check_engine(job.precision, job.profiles)
    target.check_options(job.options)
    for inside in (job.onnx, job.engine):
        _check_path(inside)
    # Names are bytes to the file system; those that are no UTF-8 leave as they came.
    output_file.write_bytes(path, _paragraph(job, target).encode("utf-8", errors="surrogateescape"))


def usage_lines(job: EngineJob, target: Target) -> list[str]:
    """Return the lines of the target's configuration that belong to this engine."""
    _, _, height, width = job.profiles.overall.input_shapes(job.spec).optimum
    facts = {
        "onnx": job.onnx,
        "engine": job.engine,
        "model": PurePosixPath(job.onnx).stem,
        "batch": job.profiles.overall.maximum,
        "mode": _NETWORK_MODES[job.precision],
        "height": height,
        "width": width,
        "profiles": ", ".join(f'"{index}"' for index in range(len(job.profiles))),
    }
    return [line.format(**facts) for line in target.usage]


def _check_path(path: str) -> None:
    """A path must mean the same inside the container; a line break in it would forge a line of the script's records."""
    parts = PurePosixPath(path).parts
    if not parts or parts[0].startswith("/") or ".." in parts:
        raise InputError("is no path below the script's folder", where=path, remedy="Copy the file there")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        raise InputError("has a control character in its name", where=path, remedy="Rename the file")


def _paragraph(job: EngineJob, target: Target) -> str:
    lines = [
        f"job {quote(job.engine)} {job.precision}",
        f"input {quote(job.onnx)} {quote(job.sha256)}",
        _command("use_with", usage_lines(job, target)),
        _command("build", _flags(job, target)),
    ]
    return "\n".join([*lines, ""])


def _flags(job: EngineJob, target: Target) -> list[str]:
    return [
        f"--onnx={job.onnx}",
        *profile_flags(job.profiles, job.spec, job.input_name),
        *release_flags(target.release),
        *option_flags(job.options),
    ]


def _command(name: str, words: list[str]) -> str:
    return f"{name} " + " \\\n    ".join(map(quote, words))
