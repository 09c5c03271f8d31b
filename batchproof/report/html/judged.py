"""Verdicts as badges and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from batchproof.report.html.gauge import gauge, is_at_most, used
from batchproof.report.html.markup import Markup, element, joined, table, unbroken
from batchproof.report.summary import overall
from batchproof.verdict import Status, Verdict


def badge(status: Status, text: str = "") -> Markup:
    """Show an answer as a word in its colour."""
    return element("span", (text or status.value).replace("_", " "), class_=f"badge {status.value}")


def summed_badge(verdicts: Iterable[Verdict]) -> Markup:
    """Show the gravest answer of several, with a star when something beside it was not run."""
    summed = overall(verdicts)
    if summed is None:
        return Markup("")
    status, partly = summed
    return badge(status, f"{status.value}*" if partly else "")


def counts(verdicts: Iterable[Verdict]) -> Markup:
    """Show how many verdicts there are of each status, the gravest first."""
    found = Counter(verdict.status for verdict in verdicts)
    gravest_first = (Status.REFUTED, Status.FAIL, Status.UNKNOWN, Status.NOT_RUN, Status.PROVEN, Status.PASS)
    shown = [badge(status, f"{found[status]} {status.value}") for status in gravest_first if found[status]]
    return element("span", *shown, class_="badges")


def verdict_table(verdicts: Iterable[Verdict]) -> Markup:
    """Tabulate verdicts with everything they say."""
    heads = ("check", "verdict", "measured", "limit", "of the limit", "why", "witness")
    return table(heads, map(_row, verdicts))


def measured(verdict: Verdict) -> Markup:
    """Write the figure with its unit; empty when nothing was measured."""
    if verdict.figure is None:
        return Markup("")
    return joined([unbroken(f"{verdict.figure:.6g}"), f" {verdict.unit}".rstrip()])


def limit(verdict: Verdict) -> Markup:
    """Write the threshold with the side on which the figure must stay, where the verdict tells it."""
    if verdict.threshold is None:
        return Markup("")
    if used(verdict) is None:
        return unbroken(f"{verdict.threshold:g}")
    return unbroken(f"{'≤' if is_at_most(verdict) else '≥'} {verdict.threshold:g}")


def _row(verdict: Verdict) -> tuple[str, ...]:
    return (
        _breakable(verdict.check),
        badge(verdict.status),
        measured(verdict),
        limit(verdict),
        gauge(verdict),
        verdict.reason,
        verdict.witness or "",
    )


def _breakable(check: str) -> Markup:
    """Let a long name break behind its dots."""
    parts = check.split(".")
    return joined([part for name in parts[:-1] for part in (f"{name}.", Markup("<wbr>"))] + parts[-1:])
