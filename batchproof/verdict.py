"""Verdicts: what was checked, on which artifact, with which figure, and why the answer is what it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar


class Status(str, Enum):
    """The answer to a check; `UNKNOWN` and `NOT_RUN` are never counted as success or as failure."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    PROVEN = "proven"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    NOT_RUN = "not_run"

    @property
    def is_failure(self) -> bool:
        """True for the two answers that make a run fail."""
        return self in (Status.FAIL, Status.REFUTED)


@dataclass(frozen=True)
class Verdict:
    """One answer about one artifact.

    `figure` and `threshold` share the unit `unit`; whether the figure must stay below or above the threshold is
    the check's business and is told by `reason`. `witness` names the node, tensor, row or picture that shows it.
    """

    check: str
    subject: str
    status: Status
    reason: str
    figure: float | None = None
    threshold: float | None = None
    unit: str = ""
    witness: str | None = None

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}  # read by pydantic when a manifest is loaded

    @property
    def measured(self) -> str:
        """The figure and its limit, `0.104 px (limit 0.05)`; empty when nothing was measured."""
        figure = "" if self.figure is None else f"{self.figure:.6g} {self.unit}".strip()
        return figure if self.threshold is None else f"{figure} (limit {self.threshold:g})".strip()

    @property
    def explained(self) -> str:
        """The reason, with the witness behind it."""
        return self.reason if self.witness is None else f"{self.reason} (witness: {self.witness})"

    def __bool__(self) -> bool:
        """True when the check was made and holds."""
        return self.status in (Status.PASS, Status.PROVEN)


def at_most(
    check: str,
    subject: str,
    figure: float,
    threshold: float,
    reason: str,
    *,
    unit: str = "",
    witness: str | None = None,
) -> Verdict:
    """Pass when `figure <= threshold`; a NaN figure fails."""
    status = Status.PASS if figure <= threshold else Status.FAIL
    return Verdict(check, subject, status, reason, figure, threshold, unit, witness)


def at_least(
    check: str,
    subject: str,
    figure: float,
    threshold: float,
    reason: str,
    *,
    unit: str = "",
    witness: str | None = None,
) -> Verdict:
    """Pass when `figure >= threshold`; a NaN figure fails."""
    status = Status.PASS if figure >= threshold else Status.FAIL
    return Verdict(check, subject, status, reason, figure, threshold, unit, witness)


def not_run(check: str, subject: str, reason: str) -> Verdict:
    """Say that a check was not made, and why."""
    return Verdict(check, subject, Status.NOT_RUN, reason)


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """0 when nothing failed, 1 when any verdict failed or was refuted."""
    return int(any(verdict.status.is_failure for verdict in verdicts))
