"""`build_engines.sh`: builds engines inside a target's container, with the TensorRT that will load them.

What the script does with an engine is in `engine_script.sh`; here it gets its head, and each engine its `.job` file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shlex import quote

from batchproof.artifacts import output_file
from batchproof.build.script.trtexec_flags import option_flags, profile_flags, typing_flags
from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.targets import Target
from batchproof.zoo.spec import ModelSpec, Precision

JOB_SUFFIX = ".job"
_BODY = Path(__file__).with_name("engine_script.sh")
_ALL_JOBS = f"""\
start
for recipe in ./*{JOB_SUFFIX}; do
    if [ ! -f "$recipe" ]; then stop "there is no {JOB_SUFFIX} file beside $0"; fi
    # shellcheck source=/dev/null
    . "$recipe"
done
finish
"""


@dataclass(frozen=True)
class ScriptJob:
    """One engine of a script.

    `onnx`, `engine` and the names in `external` are paths below the script's folder, with `/`. The hashes are those of
    the files' bytes, as sha256sum prints them: `sha256` of the ONNX, and those of its external data in `external`.
    `gpu` is the number of the GPU to build on.
    """

    onnx: str
    sha256: str
    input_name: str
    profiles: EngineProfiles
    spec: ModelSpec
    precision: Precision
    options: EngineOptions
    engine: str
    external: tuple[tuple[str, str], ...] = ()
    gpu: int = 0


def write_script(script: Path, target: Target) -> None:
    """Write the script that builds the engine of every `.job` file beside it.

    It is plain POSIX sh and needs the container alone, no Python. It checks the line of its TensorRT and the hash of
    every file before it uses it, skips engines that are there already, goes on after a failure and reports all of them
    at the end. An engine appears under its name complete or not at all, whenever the script is killed.

    Raises `InputError` when the target has no container, and `StoreError` when the file cannot be written.
    """
    if not target.container:
        raise InputError(f"{target.name} has no container to build in", remedy="Build its engines here")
    _write(script, "\n".join([_head(target), _BODY.read_text(encoding="utf-8"), _ALL_JOBS]))


def write_job(path: Path, target: Target, job: ScriptJob) -> None:
    """Write the `.job` file of one engine, in the folder of the script.

    Raises `InputError` when the target does not support the engine or its options, or for a path that means another
    file inside the container, and `StoreError` when the file cannot be written.
    """
    target.check_engine(job.precision, job.profiles)
    target.check_options(job.options)
    for inside in (job.onnx, job.engine, *(name for name, _ in job.external)):
        _check_path(inside)
    _write(path, _paragraph(job, target))


def _write(path: Path, text: str) -> None:
    # Names are bytes to the file system; those that are no UTF-8 leave as they came.
    output_file.write_bytes(path, text.encode("utf-8", errors="surrogateescape"))


def _check_path(path: str) -> None:
    """A path must mean the same inside the container; a line break in it would forge a line of the script's records."""
    parts = PurePosixPath(path).parts
    if not parts or parts[0].startswith("/") or ".." in parts:
        raise InputError("is no path below the script's folder", where=path, remedy="Copy the file there")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        raise InputError("has a control character in its name", where=path, remedy="Rename the file")


def _head(target: Target) -> str:
    return f"""\
#!/bin/sh
# Builds the engine of every {JOB_SUFFIX} file here for {target.product}, with the trtexec of its TensorRT:
#   {target.command}
# TRTEXEC=FILE names another trtexec, TIMING_CACHE=FILE a timing cache that is used and extended.
# Exit code: 0 all engines are there, 1 some could not be built, 2 nothing was tried.
product={quote(target.product)}
tensorrt={quote(target.tensorrt)}
# Shown to the user, not run.
# shellcheck disable=SC2016
container={quote(target.command)}
"""


def _paragraph(job: ScriptJob, target: Target) -> str:
    files = [(job.onnx, job.sha256), *job.external]
    inputs = [f"input {quote(name)} {quote(sha256)}" for name, sha256 in files]
    return "\n".join([f"job {quote(job.engine)}", *inputs, f"build {_flags(job, target)}", ""])


def _flags(job: ScriptJob, target: Target) -> str:
    flags = [
        f"--onnx={job.onnx}",
        *profile_flags(job.profiles, job.spec, job.input_name),
        *typing_flags(target.tensorrt),
        *option_flags(job.options, job.gpu),
    ]
    return " \\\n    ".join(map(quote, flags))
