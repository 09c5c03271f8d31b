from __future__ import annotations

import pytest

from batchproof.errors import first_few


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d"], "a, b, c and 1 more"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_a_message_names_the_first_and_counts_the_rest(names: list[str], listed: str) -> None:
    assert first_few(names) == listed


def test_how_many_are_shown_can_be_chosen() -> None:
    assert first_few(["a", "b", "c"], shown=1) == "a and 2 more"
