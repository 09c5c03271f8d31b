from __future__ import annotations

import pytest

from batchproof.bench.figures import Latency, throughput
from batchproof.bench.turns import Samples


def test_percentiles_are_those_of_the_samples_in_milliseconds() -> None:
    clock = tuple(number / 1000 for number in range(101, 0, -1))  # 1 to 101 ms, not in order
    latency = Latency.of(Samples(clock, (0.004, 0.003, 0.005)))
    assert (latency.p50_ms, latency.p95_ms, latency.p99_ms) == pytest.approx((51, 96, 100))
    assert latency.processor_ms == pytest.approx(3)
    assert latency.repetitions == 101


def test_between_two_samples_percentiles_are_interpolated() -> None:
    latency = Latency.of(Samples((0.010, 0.020), (0.0, 0.0)))
    assert (latency.p50_ms, latency.p95_ms) == pytest.approx((15, 19.5))


def test_throughput_is_the_batch_over_the_median() -> None:
    assert throughput(8, Latency(20, 99, 99, 1, 3)) == pytest.approx(400)
