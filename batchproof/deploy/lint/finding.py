"""What a rule finds, and the rule itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from batchproof.deploy.lint.document import Place
from batchproof.verdict import Status, Verdict

Severity = Literal["error", "warning"]
# What a rule cannot do without.
Need = Literal["release", "network"]
CHECK = "deploy.lint"


class Lintable(Protocol):
    """What rules are applied to."""

    def reason_not_run(self, need: Need) -> str | None:
        """Say why rules with this need cannot be applied; None when they can."""


Subject = TypeVar("Subject", bound=Lintable)


@dataclass(frozen=True)
class Fault:
    """Where something is wrong, what happens when it runs, and what to write instead."""

    place: Place
    sentence: str
    remedy: str


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """One thing that is looked for. `catches` is the line about it in the docs."""

    name: str
    severity: Severity
    catches: str
    check: Callable[[Subject], Iterator[Fault]]
    needs: Need | None = None


@dataclass(frozen=True)
class Finding:
    """A fault with the rule that found it; `line` counts from 1, None is the whole file."""

    rule: str
    severity: Severity
    file: str
    line: int | None
    key: str
    sentence: str
    remedy: str

    @property
    def verdict(self) -> Verdict:
        """An error fails; a warning is a doubt, which decides nothing."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        status = Status.FAIL if self.severity == "error" else Status.UNKNOWN
        reason = f"{self.sentence}. {self.remedy}"
        return Verdict(f"{CHECK}.{self.rule}", where, status, reason, witness=self.key or None)


def quoted(value: str) -> str:
    """Show a value of somebody's file: what is too long for a sentence is cut."""
    longest = 60
    return f"'{value}'" if len(value) <= longest else f"'{value[:longest]}...'"
