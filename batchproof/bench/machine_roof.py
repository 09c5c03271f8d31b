"""What the processor reaches with so many threads: `python -m batchproof.bench.machine_roof [THREADS]` prints JSON.

A process of its own, because the library behind numpy's matrix product takes its threads once, when it is loaded.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pydantic import TypeAdapter, ValidationError

from batchproof.bench.clocks import usable_cores
from batchproof.bench.roofline import Roof
from batchproof.errors import StepFailedError
from batchproof.own_process import environment

_ROWS = 1024  # of a square matrix: three of them are beyond most caches, and take tens of milliseconds
_COPIED = 2**26  # bytes, beyond any cache
_TRIES = 10  # the best counts: other work on the machine lowers most of them
_TIME_LIMIT_SECONDS = 120
# What OpenBLAS, MKL, BLIS and Accelerate obey.
_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_ADAPTER = TypeAdapter(Roof)


class CpuRoof:
    """The highest roof of this machine's processor that was seen in a run; None until it was seen, or where that fails.

    Other work on the machine lowers what a single look finds, so whoever measures something looks before and after.
    """

    def __init__(self, threads: int | None) -> None:
        self._threads = threads
        self.best: Roof | None = None

    def look(self) -> None:
        """Measure once more."""
        try:
            seen = measure_roof(self._threads)
        except StepFailedError:
            return
        self.best = seen if self.best is None else self.best.or_higher(seen)


def measure_roof(threads: int | None) -> Roof:
    """Measure with `threads` threads (None: as many as numpy takes, and one copy a core); about a second.

    Raises `StepFailedError` when the process that measures dies.
    """
    limits = dict.fromkeys(_VARIABLES, str(threads)) if threads else {}
    command = [sys.executable, "-m", "batchproof.bench.machine_roof", *([str(threads)] if threads else [])]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**environment(), **limits},
            timeout=_TIME_LIMIT_SECONDS,
            check=True,
        )
        return _ADAPTER.validate_json(done.stdout)
    except (subprocess.SubprocessError, ValidationError) as error:
        raise StepFailedError(f"the machine's roof could not be measured ({type(error).__name__})") from error


def _product_gflops() -> float:
    left, right = np.random.default_rng(0).random((2, _ROWS, _ROWS), np.float32)
    result = np.empty_like(left)
    return 2 * _ROWS**3 / _shortest(lambda: np.matmul(left, right, out=result)) / 1e9


def _copy_gigabytes_per_second(threads: int) -> float:
    """Copy as many pieces at a time as there are threads; every byte is read and written."""
    source = np.ones(_COPIED // 4, np.float32)
    target = np.zeros_like(source)
    pieces = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        seconds = _shortest(lambda: list(pool.map(lambda piece: np.copyto(*piece), pieces)))
    return 2 * source.nbytes / seconds / 1e9


def _shortest(work: Callable[[], object]) -> float:
    work()
    return min(_seconds(work) for _ in range(_TRIES))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print a `Roof`."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else usable_cores()
    roof = Roof(_product_gflops(), _copy_gigabytes_per_second(threads))
    sys.stdout.buffer.write(_ADAPTER.dump_json(roof))


if __name__ == "__main__":
    main()
