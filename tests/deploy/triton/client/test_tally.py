from __future__ import annotations

from pathlib import Path

import numpy as np

from batchproof.deploy.triton.client.driving import Outcome
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.deploy.triton.client.tally import Tally
from batchproof.errors import InputError

TWO = ServedFaces(np.zeros((2, 4), np.float32), np.zeros(2, np.float32), np.zeros((2, 5, 2), np.float32))


def test_answers_and_failures_are_counted_apart() -> None:
    tally = Tally(skipped=5)
    for milliseconds in range(1, 102):
        tally.add(Outcome(Path("a"), float(milliseconds), TWO))
    tally.add(Outcome(Path("b"), 9000.0, error=InputError("no")))
    assert (tally.answered, tally.failed, tally.faces) == (101, 1, 202)
    assert tally.percentiles() == {"p50": 51, "p90": 91, "p99": 100, "max": 101}
    told = "101 pictures answered, 5 had theirs before, 1 failed, 202 faces; 2.0 s, 50.5 pictures/s, p50 51 ms"
    assert tally.line(2.0).startswith(told)


def test_a_run_without_answers_has_no_percentiles() -> None:
    tally = Tally()
    tally.add(Outcome(Path("b"), 1.0, error=InputError("no")))
    assert tally.document() == {"answered": 0, "skipped": 0, "failed": 1, "faces": 0, "milliseconds": {}}
    assert tally.line(0.0) == "0 pictures answered, 1 failed, 0 faces; 0.0 s, 0.0 pictures/s"
