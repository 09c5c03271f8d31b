from __future__ import annotations

from batchproof.export.deviations import deviations


def test_equal_sets_do_not_deviate() -> None:
    assert deviations({"a": (1, 2)}, {"a": (1, 2)}) == ""


def test_every_kind_is_counted_and_its_first_are_named() -> None:
    wanted = {"a": (1,), "b": (2, 3), **{f"gone.{index}": (1,) for index in range(5)}}
    found = {"a": (1,), "b": (3, 2), "": ()}
    expected = (
        "5 missing: 'gone.0', 'gone.1', 'gone.2' and 2 more; 1 unexpected: ''; "
        "1 mis-shaped: 'b' [3, 2] instead of [2, 3]"
    )
    assert deviations(wanted, found) == expected
