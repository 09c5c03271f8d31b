"""The answer of the chain: for every stage how far it departs, and which is the first that does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from batchproof.validate.chain.chain_file import CHECK
from batchproof.verdict import Status, Verdict, at_most, not_run

Inputs = Literal["insightface's", "ours"]
"""Whose results a stage was given: those of insightface's stage before it, or, end to end, those of our own."""

_MEANT: dict[Inputs, str] = {"insightface's": "given insightface's inputs", "ours": "end to end"}


@dataclass(frozen=True)
class Row:
    """One stage on one kind of inputs; `difference` is None when there was nothing to compare.

    Infinite when the stage gave nothing, or another number of results; `witness` is the picture and element.
    """

    stage: str
    inputs: Inputs
    difference: float | None
    unit: str
    threshold: float
    witness: str | None

    @property
    def departs(self) -> bool:
        """Whether the difference is above the threshold."""
        return self.difference is not None and not self.difference <= self.threshold


@dataclass(frozen=True)
class ChainTable:
    """All rows in the order of the stages; of one stage the row on insightface's inputs comes first."""

    rows: tuple[Row, ...]

    @property
    def alone(self) -> ChainTable:
        """The rows on insightface's inputs only."""
        return ChainTable(tuple(row for row in self.rows if row.inputs == "insightface's"))

    @property
    def first_departing(self) -> Row | None:
        """The first stage that departs on insightface's inputs, for later ones may only inherit it end to end.

        Only where none does, the first one end to end: there small differences have added up.
        """
        departing = [row for row in self.rows if row.departs]
        return min(departing, key=lambda row: row.inputs == "ours", default=None)

    @property
    def sentence(self) -> str:
        """What the table says, in one sentence."""
        row = self.first_departing
        if row is None:
            compared = len({row.stage for row in self.rows if row.difference is not None})
            return f"first departing stage: none of {compared}"
        amount = f"{row.difference:.3g} {row.unit}".strip()
        where = f", {row.witness}" if row.witness else ""
        return f"first departing stage: {row.stage}, {_MEANT[row.inputs]}, by {amount} (limit {row.threshold:g}){where}"


def chain_verdicts(table: ChainTable, subject: str, check: str = CHECK) -> list[Verdict]:
    """One verdict that names the first departing stage, called `check`, and one for each row that compares something.

    Those are called `check.nms` on insightface's inputs and `check.nms.end_to_end` on ours. All stages that had nothing
    to compare share one, `check.unreached`, which was not run.
    """
    first = table.first_departing
    compared = [(row, row.difference) for row in table.rows if row.difference is not None]
    status = Status.FAIL if first else Status.PASS if compared else Status.NOT_RUN
    summary = Verdict(check, subject, status, table.sentence, witness=first.stage if first else None)
    verdicts = [_verdict(row, difference, subject, check) for row, difference in compared]
    return [summary, *verdicts, *_unreached(table, subject, check)]


def _unreached(table: ChainTable, subject: str, check: str) -> list[Verdict]:
    """Say which stages compared nothing, and why the first of them did not."""
    rows = [row for row in table.rows if row.difference is None]
    if not rows:
        return []
    stages = ", ".join(dict.fromkeys(row.stage for row in rows))
    why = rows[0].witness or "no picture has a face that gets there"
    return [not_run(f"{check}.unreached", subject, f"nothing to compare at {stages}: {why}")]


def _verdict(row: Row, difference: float, subject: str, check: str) -> Verdict:
    name = f"{check}.{row.stage}" + (".end_to_end" if row.inputs == "ours" else "")
    reason = f"largest difference to insightface's {row.stage}, {_MEANT[row.inputs]}"
    return at_most(name, subject, difference, row.threshold, reason, unit=row.unit, witness=row.witness)
