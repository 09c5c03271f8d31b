from __future__ import annotations

import pytest

from batchproof.deploy.lint.values import as_boolean, as_integer, as_integers, as_list, as_number, as_numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", 8),
        (" -1 ", -1),
        ("3 # behind a blank GKeyFile does not look", 3),
        *((wrong, None) for wrong in ("", "8.0", "8x", "--8", "+-8", "٣", "9" * 10_000, "2147483648")),
    ],
)
def test_integers_are_read_as_gkeyfile_reads_them(text: str, expected: int | None) -> None:
    assert as_integer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("0.5", 0.5), ("1e-3", 0.001), ("nan", None), ("1_0", None), ("1 #", None), ("", None)]
)
def test_numbers_are_finite_and_stand_alone(text: str, expected: float | None) -> None:
    assert as_number(text) == expected


def test_a_truth_is_one_of_four_words() -> None:
    assert [as_boolean(text) for text in ("1", "true ", "0", "false")] == [True, True, False, False]
    assert [as_boolean(text) for text in ("yes", "2", "TRUE", "")] == [None] * 4


def test_a_list_may_end_with_its_separator() -> None:
    assert as_list("a; b;") == ["a", "b"]
    assert as_list("") == []
    assert as_integers("3;640;640;") == [3, 640, 640]
    assert as_integers("3;x") is None
    assert as_integers("") is None
    assert as_numbers("127.5;1") == [127.5, 1.0]
