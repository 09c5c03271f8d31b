from __future__ import annotations

from pathlib import Path

from batchproof.targets import all_targets
from batchproof.targets.table import table

PAGE = Path(__file__).parents[2] / "docs" / "targets.md"


def test_the_page_is_what_the_data_says() -> None:
    """Stale? Run: python -m batchproof.targets.table > docs/targets.md."""
    assert PAGE.read_text(encoding="utf-8") == table()


def test_every_target_has_a_row_of_all_columns_and_what_is_not_confirmed_is_marked() -> None:
    rows = [line for line in table().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [known.name for known in all_targets()]
    assert {row.count(" | ") for row in rows} == {6}
    marked = [row.split("`")[1] for row in rows if "(?)" in row]
    assert "): \n" not in table()
    assert marked == [known.name for known in all_targets() if known.unconfirmed]


def test_what_holds_for_a_family_is_said_once_and_every_note_somewhere() -> None:
    page = table()
    for note in {note for known in all_targets() for note in known.notes}:
        assert page.count(f"{note}\n") == 1
