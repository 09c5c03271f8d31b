from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deploy.deepstream.align.native import Native

UNTRACKED = 2**64 - 1


class Throttle:
    """The bundle's throttle."""

    def __init__(self, native: Native, handle: int) -> None:
        self._shim, self._handle = native.shim, ctypes.c_void_p(handle)

    def take(self, track: int, frame: int, source: int = 0) -> bool:
        numbers = ctypes.c_uint32(source), ctypes.c_uint64(track), ctypes.c_uint64(frame)
        return bool(self._shim.shim_take(self._handle, *numbers))

    @property
    def tracks(self) -> int:
        return int(self._shim.shim_tracks(self._handle))


@contextmanager
def throttle(native: Native, interval: int, most_tracks: int = 16384) -> Iterator[Throttle]:
    handle = native.shim.shim_throttle(ctypes.c_uint(interval), ctypes.c_size_t(most_tracks))
    try:
        yield Throttle(native, handle)
    finally:
        native.shim.shim_throttle_end(ctypes.c_void_p(handle))


def test_a_track_is_due_once_in_an_interval(native: Native) -> None:
    with throttle(native, 5) as due:
        assert [frame for frame in range(12) if due.take(7, frame)] == [0, 5, 10]


def test_a_face_that_was_away_is_due_when_it_returns(native: Native) -> None:
    with throttle(native, 5) as due:
        assert [frame for frame in (0, 3, 9, 13, 14) if due.take(7, frame)] == [0, 9, 14]


def test_tracks_of_other_sources_are_others(native: Native) -> None:
    with throttle(native, 5) as due:
        assert due.take(7, 0, source=0)
        assert due.take(7, 0, source=1)
        assert due.take(8, 0, source=0)
        assert not due.take(7, 1, source=1)


@pytest.mark.parametrize("interval", [0, 1])
def test_without_an_interval_all_are_due_and_none_is_remembered(native: Native, interval: int) -> None:
    with throttle(native, interval) as due:
        assert all(due.take(7, frame) for frame in (0, 0, 1))
        assert due.tracks == 0


def test_faces_without_a_track_are_always_due(native: Native) -> None:
    with throttle(native, 5) as due:
        assert all(due.take(UNTRACKED, 0) for _ in range(3))
        assert due.tracks == 0


def test_a_source_that_starts_again_is_due_again(native: Native) -> None:
    with throttle(native, 5) as due:
        assert due.take(7, 1000)
        assert due.take(7, 3)
        assert not due.take(7, 4)


def test_the_tracks_embedded_longest_ago_are_forgotten(native: Native) -> None:
    with throttle(native, 100, most_tracks=3) as due:
        assert all(due.take(track, track) for track in range(10))
        assert due.tracks == 3
        assert not any(due.take(track, 10) for track in (7, 8, 9))
        assert due.take(6, 10)


def test_a_track_embedded_again_is_the_newest(native: Native) -> None:
    with throttle(native, 10, most_tracks=2) as due:
        assert [due.take(track, frame) for track, frame in ((1, 0), (2, 1), (1, 10), (3, 11))] == [True] * 4
        assert not due.take(1, 12)
        assert due.take(2, 12)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 40)), max_size=60), st.integers(1, 9))
def test_it_is_the_rule_and_its_memory_is_bounded(
    native: Native, faces: list[tuple[int, int, int]], interval: int
) -> None:
    taken: dict[tuple[int, int], int] = {}
    with throttle(native, interval, most_tracks=20) as due:
        for source, track, frame in faces:
            last = taken.get((source, track))
            expected = interval == 1 or last is None or frame < last or frame - last >= interval
            assert due.take(track, frame, source) == expected
            if expected:
                taken[source, track] = frame
            assert due.tracks <= 15
