from __future__ import annotations

from pathlib import Path

from batchproof.deploy.lint.rules import ALL as DEEPSTREAM
from batchproof.deploy.lint.triton.rules import ALL
from batchproof.deploy.lint.triton.table import table

PAGE = Path(__file__).parents[4] / "docs" / "triton-lint.md"


def test_the_page_is_what_the_rules_say() -> None:
    """Stale? Run: python -m batchproof.deploy.lint.triton.table > docs/triton-lint.md."""
    assert PAGE.read_text(encoding="utf-8") == table()


def test_every_rule_has_a_row_and_a_name_of_its_own() -> None:
    rows = [line.split("`")[1] for line in table().splitlines() if line.startswith("| `")]
    assert rows == [rule.name for rule in ALL]
    assert len({*rows, *(rule.name for rule in DEEPSTREAM)}) == len(rows) + len(DEEPSTREAM)
