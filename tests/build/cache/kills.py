"""Kill the matrix at random moments: `python -m tests.build.cache.kills [TIMES]` writes reports/kills.md."""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

from benchmarks import machine
from tests.build.cache.matrix import CELLS, PROFILES, REPOSITORY, Matrix, assert_no_worker_stays

_REPORT = REPOSITORY / "reports" / "kills.md"
_ENGINES = range(CELLS + 1)
_TOOLS = ("tensorrt-rtx-cu13-bindings", "polygraphy", "onnx")


@dataclass(frozen=True)
class Kills:
    """What was survived: by how many engines were done at each kill how often that was, and the matrices finished."""

    by_engines_done: Counter[int]
    finished: int


def kill(folder: Path, times: int) -> Kills:
    """Kill matrices until it was `times`, resume each to its end; raises `AssertionError` at what is not as it must be.

    After every kill no worker stays, whatever the manifest names is whole, and nothing else is in the store. Every
    matrix ends as an undisturbed one.
    """
    whole = Matrix.in_folder(folder, "undisturbed")
    began = time.monotonic()
    whole.build()
    seconds, moments = time.monotonic() - began, random.Random(0)
    done: list[int] = []
    finished = 0
    while len(done) < times:
        matrix = Matrix.in_folder(folder, f"store_{finished}")
        done += _kill_one(matrix, moments, seconds, times - len(done))
        matrix.build()
        assert matrix.result() == whole.result(), "a resumed matrix ends otherwise than an undisturbed one"
        matrix.assert_cache_is_clean()
        finished += 1
    return Kills(Counter(done), finished)


def _kill_one(matrix: Matrix, moments: random.Random, seconds: float, most: int) -> list[int]:
    """Kill and resume one matrix until it comes to its end; returns how many engines it had at each kill."""
    done: list[int] = []
    while len(done) < most:
        process = matrix.start()
        time.sleep(moments.uniform(0, seconds))
        process.kill()
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            break
        assert_no_worker_stays(process.pid)
        if matrix.store.exists():
            matrix.assert_consistent()
        done.append(matrix.engines())
    return done


def _report(kills: Kills, today: date) -> str:
    counts = " | ".join(str(kills.by_engines_done[number]) for number in _ENGINES)
    return f"""\
# A matrix of engines, killed

`batchproof build --matrix` of one tiny model in FP32 and FP16 with the profiles
{" and ".join(PROFILES)}: {CELLS} TensorRT-RTX engines, two at a time,
killed with SIGKILL at random moments, from the import of Batchproof to the last engine. After every kill no process of
a builder stayed, every file that the manifest names was whole, and no other file stayed in the store. Every matrix was
resumed to its end, which was that of an undisturbed one, with nothing unfinished in the engine cache. Written by
`nox -s kills`, which stops at the first that is otherwise.

{today}: {sum(kills.by_engines_done.values())} kills, {kills.finished} matrices. {machine.described(_TOOLS)}

| engines done when killed | {" | ".join(map(str, _ENGINES))} |
|---|{"---:|" * len(_ENGINES)}
| kills | {counts} |
"""


def main() -> None:
    """Kill, and write the report."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder:
        kills = kill(Path(folder), times)
    _REPORT.write_text(_report(kills, datetime.now(timezone.utc).date()), encoding="utf-8")
    print(_REPORT)


if __name__ == "__main__":
    main()
