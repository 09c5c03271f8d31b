"""The linter: every rule on a bundle, the findings, and a verdict for each rule that found nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.finding import CHECK, Fault, Finding, Rule
from batchproof.deploy.lint.rules import ALL
from batchproof.verdict import Status, Verdict, not_run

_REASONS = {
    "release": "which DeepStream the bundle is for is not known: give it with --target",
    "network": "the bundle has no ONNX file that could be read",
}


@dataclass(frozen=True)
class Report:
    """The findings, errors first, then by file and line; and what each rule has to say."""

    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


def lint(bundle: Bundle, rules: Iterable[Rule] = ALL) -> Report:
    """Apply every rule; nothing of the bundle is executed."""
    findings: list[Finding] = []
    quiet: list[Verdict] = []
    for rule in rules:
        found = list(_findings(rule, bundle))
        findings += found
        if not found:
            quiet.append(_nothing_found(rule, bundle))
    findings.sort(key=lambda finding: (finding.severity, finding.file, finding.line or 0))
    return Report(tuple(findings), (*(finding.verdict for finding in findings), *quiet))


def _findings(rule: Rule, bundle: Bundle) -> Iterator[Finding]:
    """Yield each fault once: a file that two pipelines share is wrong once."""
    faults: dict[tuple[str, int | None, str], Fault] = {}
    for fault in rule.check(bundle):
        faults.setdefault((fault.place.path, fault.place.line, fault.place.key), fault)
    for fault in faults.values():
        place = fault.place
        yield Finding(rule.name, rule.severity, place.path, place.line, place.key, fault.sentence, fault.remedy)


def _nothing_found(rule: Rule, bundle: Bundle) -> Verdict:
    check = f"{CHECK}.{rule.name}"
    missing = {"release": bundle.release is None, "network": not bundle.networks}
    if rule.needs and missing[rule.needs]:
        return not_run(check, "bundle", _REASONS[rule.needs])
    return Verdict(check, "bundle", Status.PASS, f"not found: {rule.catches}")
