from __future__ import annotations

from dataclasses import replace

from batchproof.bench.sweep_file import SweepFile
from batchproof.deploy.triton.batching import DEFAULT_DELAY_US, Batching, from_profile, from_sweep
from batchproof.profile import Profile
from tests.bench.files import SWEEP, figures

PROFILE = Profile.parse("1,16,32")


def sweep(*batches: tuple[int, float]) -> SweepFile:
    """A sweep of these batches, each with its milliseconds."""
    return replace(SWEEP, batches=tuple(figures(batch, ms, None) for batch, ms in batches))


def chosen(*batches: tuple[int, float], profile: Profile = PROFILE) -> Batching:
    found = from_sweep(sweep(*batches), profile)
    assert found is not None
    assert found.measured
    return found


def test_without_a_measurement_optimum_and_maximum_are_preferred() -> None:
    found = from_profile(PROFILE)
    assert (found.preferred, found.request, found.delay_us) == ((16, 32), 16, DEFAULT_DELAY_US)
    assert not found.measured
    assert "not measured" in found.origin
    assert "a default" in found.delay_origin
    assert from_profile(Profile.parse("1,8,8")).preferred == (8,)


def test_one_image_at_a_time_waits_for_nobody() -> None:
    found = from_profile(Profile.parse("1,1,1"))
    assert (found.preferred, found.request, found.delay_us) == ((), 1, 0)


def test_throughput_that_rises_to_the_end_takes_the_largest_batch() -> None:
    found = chosen((1, 10.0), (8, 40.0), (16, 60.0), (32, 100.0))
    assert (found.preferred, found.request) == ((32,), 32)
    assert found.delay_us == 1000  # a tenth of 10 ms
    assert "10 ms in batches of 1" in found.delay_origin
    assert chosen((8, 40.0), (32, 100.0)).delay_us == 500


def test_a_smaller_batch_that_is_nearly_as_good_is_taken() -> None:
    found = chosen((1, 10.0), (8, 20.0), (16, 39.0), (32, 77.0))  # 100, 400, 410, 416 images a second
    assert found.preferred == (8,)
    assert "400 images/s in batches of 8, at best 415.6 images/s in batches of 32" in found.origin
    assert f"on '{SWEEP.runner}'" in found.origin


def test_where_all_are_alike_or_one_is_best_nothing_is_joined() -> None:
    for batches in (((1, 10.0), (8, 79.0), (16, 157.0)), ((1, 10.0), (8, 90.0), (16, 200.0))):
        found = chosen(*batches)
        assert (found.preferred, found.request, found.delay_us) == ((), 1, 0)
        assert "batches do not pay" in found.origin


def test_a_name_from_a_file_stays_in_its_line() -> None:
    hostile = from_sweep(replace(SWEEP, runner="x\n# forged: 1"), PROFILE)
    assert hostile is not None
    assert hostile.origin.isprintable()


def test_batches_that_the_profile_does_not_have_do_not_count() -> None:
    assert chosen((1, 10.0), (8, 40.0), (64, 100.0)).preferred == (8,)
    assert from_sweep(sweep((64, 100.0)), PROFILE) is None


def test_waiting_is_never_shorter_than_what_a_queue_can_tell_apart() -> None:
    assert chosen((1, 0.5), (8, 0.6)).delay_us == 100
