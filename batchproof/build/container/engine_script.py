"""`build_engines.sh`: builds engines inside a target's container, with the TensorRT that will load them.

What the script does with an engine is in `engine_script.sh`; here it gets its head. Its engines are in `.job` files.
"""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from batchproof.artifacts import output_file
from batchproof.targets import Target

JOB_SUFFIX = ".job"
_BODY = Path(__file__).with_name("engine_script.sh")
# Beside the script, or in a folder for each set of profiles.
_ALL_JOBS = f"""\
start
for file in ./*{JOB_SUFFIX} ./*/*{JOB_SUFFIX}; do
    # shellcheck source=/dev/null
    if [ -f "$file" ]; then . "$file"; fi
done
if [ -z "$engine" ]; then stop "there is no {JOB_SUFFIX} file beside $0 or one folder below"; fi
finish
"""


def write_script(script: Path, target: Target) -> None:
    """Write the script that builds the engine of every `.job` file beside it and one folder below.

    It is plain POSIX sh and needs the container alone, no Python. It checks the release of its TensorRT and the hash of
    every file before it uses it, skips engines that are there already, goes on after a failure and reports all of them
    at the end. An engine appears under its name complete or not at all, whenever the script is killed; an FP16 engine
    does not when none of its layers is. It says what the target's configuration has to say of each engine.

    Raises `InputError` when the target has no container, and `StoreError` when the file cannot be written.
    """
    target.check_container()
    content = "\n".join([_head(target), _BODY.read_text(encoding="utf-8"), _ALL_JOBS])
    output_file.write_bytes(script, content.encode())


def _head(target: Target) -> str:
    notes = "".join(f"\n- {note}" for note in target.notes)
    return f"""\
#!/bin/sh
# Builds the engine of every {JOB_SUFFIX} file here for {target.product}, with the trtexec of its TensorRT:
#   {target.command}
# TRTEXEC=FILE names another trtexec, TIMING_CACHE=FILE a timing cache that is used and extended.
# Exit code: 0 all engines are there, 1 some could not be built, 2 nothing was tried.
# It was tested with a stand-in for trtexec, and never yet in the container.
product={quote(target.product)}
tensorrt={quote(target.tensorrt)}
notes={quote(notes)}
# Shown to the user, not run.
# shellcheck disable=SC2016
container={quote(target.command)}
"""
