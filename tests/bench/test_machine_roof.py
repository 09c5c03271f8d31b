from __future__ import annotations

import sys

import pytest

from batchproof.bench import machine_roof
from batchproof.bench.machine_roof import CpuRoof, measure_roof
from batchproof.bench.roofline import Roof
from batchproof.errors import StepFailedError


def test_the_process_that_measures_finds_a_product_and_a_copy() -> None:
    roof = measure_roof(1)
    assert roof.gflops > 0.01
    assert roof.gigabytes_per_second > 0.01


def test_a_product_has_two_operations_a_term_and_a_copy_moves_each_byte_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_roof, "_shortest", lambda work: 0.5)
    assert machine_roof._product_gflops() == pytest.approx(2 * 1024**3 / 0.5 / 1e9)
    assert machine_roof._copy_gigabytes_per_second(1) == pytest.approx(2 * 2**26 / 0.5 / 1e9)


def test_a_process_that_dies_is_told_and_leaves_no_roof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(StepFailedError, match="could not be measured"):
        measure_roof(1)
    roof = CpuRoof(1)
    roof.look()
    assert roof.best is None


def test_the_best_of_all_looks_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([Roof(50, 8), Roof(70, 6), Roof(60, 7)])
    monkeypatch.setattr(machine_roof, "measure_roof", lambda threads: next(looks))
    roof = CpuRoof(None)
    for _ in range(3):
        roof.look()
    assert roof.best == Roof(70, 8)
