from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest

from batchproof.report.junit import render
from batchproof.verdict import Status, Verdict
from tests.report.junit_schema import faults

HOSTILE = [
    '"/><failure message="x',
    "</testcase>&<![CDATA[ ]]>",
    "a\x00\x1b[31mb\x0bc",
    "line\nbreak\ttab\r",
    "\ud800\ufffe\U0001f600",
    "&#0;&lol;",
]


def verdict(
    status: Status, reason: str = "why", check: str = "gate.contamination", subject: str = "det.fp16"
) -> Verdict:
    return Verdict(check, subject, status, reason, 0.25, 0.0, "px", "slot 3")


def parsed(verdicts: list[Verdict], suite: str = "det") -> Xml.Element:
    root = Xml.fromstring(render("Gate: pack", [("pack", []), (suite, verdicts)]))
    assert faults(root) == []
    return root


def test_a_suite_for_each_model_and_a_case_for_each_verdict_counted_by_what_became_of_it() -> None:
    root = parsed([verdict(status) for status in Status])
    pack, det = root
    assert (root.tag, root.get("name")) == ("testsuites", "Gate: pack")
    assert pack.attrib == {"name": "pack", "tests": "0", "failures": "0", "errors": "0", "skipped": "0"}
    assert det.attrib == {"name": "det", "tests": "6", "failures": "2", "errors": "1", "skipped": "1"}
    assert [[child.tag for child in case] for case in det] == [[], ["failure"], [], ["failure"], ["error"], ["skipped"]]


def test_a_failure_tells_reason_figure_threshold_and_witness() -> None:
    (case,) = parsed([verdict(Status.FAIL)])[1]
    assert case.attrib == {"classname": "det.fp16", "name": "gate.contamination"}
    (failure,) = case
    assert failure.attrib == {"type": "fail", "message": "why"}
    assert failure.text == "0.25 px (limit 0): why (witness: slot 3)"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_and_no_reason_gets_out_of_its_place(text: str) -> None:
    root = parsed([verdict(Status.NOT_RUN, text, text, text)], suite=text)
    ((case,),) = [root[1]]
    assert [element.tag for element in root.iter()] == ["testsuites", "testsuite", "testsuite", "testcase", "skipped"]
    for found in (root[1].get("name"), case.get("name"), case.get("classname"), case[0].get("message")):
        assert found is not None
        assert found.isprintable()
        assert not text.isprintable() or found == text


def test_the_schema_of_these_tests_refuses_what_it_should() -> None:
    bad = Xml.fromstring('<testsuites id="1"><testsuite name="a" tests="1" errors="0"><case/></testsuite></testsuites>')
    expected = {"testsuites may not have id", "testsuite lacks failures", "testsuite may not hold case"}
    assert set(faults(bad)) == expected
