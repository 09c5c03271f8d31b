"""JUnit XML of verdicts, as the schema of Jenkins' xUnit plugin (junit-10.xsd) has it and most CI systems read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as Xml

from batchproof.report.plain_text import plain_text
from batchproof.verdict import Status, Verdict

# The element inside a test case that says that it did not pass; JUnit counts each under a name of its own.
_ELEMENT = {
    Status.FAIL: "failure",
    Status.REFUTED: "failure",
    Status.UNKNOWN: "error",
    Status.NOT_RUN: "skipped",
}
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render(name: str, suites: Iterable[tuple[str, Sequence[Verdict]]]) -> bytes:
    """Render one test suite for each name in `suites`, with a test case for every verdict, as UTF-8 with a declaration.

    A failed or refuted verdict is a failure, an unknown one an error, one that was not run is skipped.
    """
    root = Xml.Element("testsuites", name=plain_text(name))
    for suite, verdicts in suites:
        root.append(_suite(plain_text(suite), verdicts))
    Xml.indent(root)
    text: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(name: str, verdicts: Sequence[Verdict]) -> Xml.Element:
    cases = [_case(verdict) for verdict in verdicts]
    counts = {count: str(sum(case.find(tag) is not None for case in cases)) for count, tag in _COUNTED.items()}
    suite = Xml.Element("testsuite", {"name": name, "tests": str(len(cases)), **counts})
    suite.extend(cases)
    return suite


def _case(verdict: Verdict) -> Xml.Element:
    case = Xml.Element("testcase", classname=plain_text(verdict.subject), name=plain_text(verdict.check))
    if verdict.status in _ELEMENT:
        problem = Xml.SubElement(case, _ELEMENT[verdict.status], type=verdict.status.value)
        problem.set("message", plain_text(verdict.reason))
        problem.text = plain_text(": ".join(part for part in (verdict.measured, verdict.explained) if part))
    return case
