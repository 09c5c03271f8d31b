from __future__ import annotations

import pytest

from batchproof.bench.roofline import Roof, below
from batchproof.bench.work import Work

ROOF = Roof(gflops=100.0, gigabytes_per_second=10.0)  # the ridge is at 10 FLOP/byte


def work(flop_per_byte: float) -> Work:
    """An image of a million bytes of activations."""
    return Work(int(flop_per_byte * 1e6 / 2), 0, 1_000_000, {})


@pytest.mark.parametrize(
    ("intensity", "attainable", "side"),
    [(1, 10, "memory"), (9.9, 99, "memory"), (10, 100, "compute"), (80, 100, "compute")],
)
def test_the_ridge_parts_what_memory_limits_from_what_arithmetic_does(
    intensity: float, attainable: float, side: str
) -> None:
    point = below(ROOF, work(intensity), 1, 1.0)
    assert point is not None
    assert point.attainable_gflops == pytest.approx(attainable)
    assert point.limited_by == side
    assert point.flop_per_byte == pytest.approx(intensity)


def test_the_share_is_what_was_reached_of_what_can_be() -> None:
    point = below(ROOF, work(20), batch=4, seconds=0.002)
    assert point is not None
    assert point.gflops == pytest.approx(20e6 * 4 / 0.002 / 1e9)
    assert point.share == pytest.approx(point.gflops / 100)


def test_weights_are_read_once_a_batch_so_larger_batches_are_denser() -> None:
    heavy = Work(macs=500_000, weight_bytes=1_000_000, activation_bytes=1000, not_counted={})
    one, many = below(ROOF, heavy, 1, 1.0), below(ROOF, heavy, 100, 1.0)
    assert one is not None
    assert many is not None
    assert (one.limited_by, many.limited_by) == ("memory", "compute")


@pytest.mark.parametrize("nothing", [Work(0, 8, 8, {}), Work(8, 0, 0, {})])
def test_work_without_operations_or_bytes_has_no_place(nothing: Work) -> None:
    assert below(ROOF, nothing, 1, 1.0) is None


def test_of_two_looks_at_a_machine_the_higher_counts() -> None:
    assert ROOF.or_higher(Roof(90, 12)) == Roof(100, 12)
