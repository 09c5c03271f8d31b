"""The linter: every rule on what was read, the findings, and a verdict for each rule that found nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.finding import CHECK, Fault, Finding, Rule, Subject
from batchproof.deploy.lint.rules import ALL
from batchproof.verdict import Status, Verdict, not_run


@dataclass(frozen=True)
class Report:
    """The findings, errors first, then by file and line; and the verdicts of the rules that found nothing."""

    findings: tuple[Finding, ...]
    quiet: tuple[Verdict, ...]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What each rule has to say."""
        return (*(finding.verdict for finding in self.findings), *self.quiet)

    @property
    def rules_that_ran(self) -> list[str]:
        """The names of the rules that were applied, whatever they found."""
        ran = (verdict.check for verdict in self.verdicts if verdict.status is not Status.NOT_RUN)
        return sorted({check.removeprefix(f"{CHECK}.") for check in ran})

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    def with_those_of(self, other: Report) -> Report:
        """Return both reports as one."""
        findings = sorted((*self.findings, *other.findings), key=_order)
        return Report(tuple(findings), (*self.quiet, *other.quiet))


def lint(bundle: Bundle, rules: Iterable[Rule[Bundle]] = ALL) -> Report:
    """Apply the rules of DeepStream to a bundle."""
    return applied(bundle, rules)


def applied(subject: Subject, rules: Iterable[Rule[Subject]]) -> Report:
    """Apply every rule; nothing that was read is executed."""
    findings: list[Finding] = []
    quiet: list[Verdict] = []
    for rule in rules:
        found = list(_findings(rule, subject))
        findings += found
        if not found:
            quiet.append(_nothing_found(rule, subject))
    return Report(tuple(sorted(findings, key=_order)), tuple(quiet))


def _order(finding: Finding) -> tuple[str, str, int]:
    return finding.severity, finding.file, finding.line or 0


def _findings(rule: Rule[Subject], subject: Subject) -> Iterator[Finding]:
    """Yield each fault once: a file that two pipelines share is wrong once."""
    faults: dict[tuple[str, int | None, str], Fault] = {}
    for fault in rule.check(subject):
        faults.setdefault((fault.place.path, fault.place.line, fault.place.key), fault)
    for fault in faults.values():
        place = fault.place
        yield Finding(rule.name, rule.severity, place.path, place.line, place.key, fault.sentence, fault.remedy)


def _nothing_found(rule: Rule[Subject], subject: Subject) -> Verdict:
    check = f"{CHECK}.{rule.name}"
    if rule.needs and (reason := subject.reason_not_run(rule.needs)):
        return not_run(check, "bundle", reason)
    return Verdict(check, "bundle", Status.PASS, f"not found: {rule.catches}")
