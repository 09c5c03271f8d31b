from __future__ import annotations

import pytest

from batchproof.export.key_names import first_quoted, quoted


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("conv1.weight", "'conv1.weight'"),
        ("", "''"),
        (7, "7"),
        ("\x1b[2J\n\u202e", r"'\x1b[2J\n\u202e'"),
        ("a" * 1000, "'" + "a" * 79 + "..."),
    ],
)
def test_a_key_is_one_short_printable_text(key: object, text: str) -> None:
    assert quoted(key) == text


def test_the_first_keys_are_listed_and_the_others_counted() -> None:
    assert first_quoted(["a", "", 1, "b", "c"]) == "'a', '', 1 and 2 more"
