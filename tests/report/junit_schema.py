"""The rules of junit-10.xsd, of Jenkins' xUnit plugin, for the elements that we write: what may and must be where."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as Xml


@dataclass(frozen=True)
class Element:
    required: frozenset[str]
    optional: frozenset[str]
    children: frozenset[str]


_COUNTS = frozenset({"tests", "failures", "errors"})
_PROBLEM = Element(frozenset(), frozenset({"type", "message"}), frozenset())
SCHEMA = {
    "testsuites": Element(frozenset(), _COUNTS | {"name", "time"}, frozenset({"testsuite"})),
    "testsuite": Element(
        frozenset({"name"}) | _COUNTS,
        frozenset(
            {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url", "version"}
        ),
        frozenset({"testsuite", "properties", "testcase", "system-out", "system-err"}),
    ),
    "testcase": Element(
        frozenset({"name"}),
        frozenset({"classname", "time", "group"}),
        frozenset({"skipped", "error", "failure", "system-out", "system-err"}),
    ),
    "failure": _PROBLEM,
    "error": _PROBLEM,
    "skipped": _PROBLEM,
}


def faults(element: Xml.Element) -> list[str]:
    """Everything in `element` that the schema does not allow."""
    rule, attributes = SCHEMA[element.tag], frozenset(element.attrib)
    found = [f"{element.tag} lacks {name}" for name in rule.required - attributes]
    found += [f"{element.tag} may not have {name}" for name in attributes - rule.required - rule.optional]
    found += [f"{element.tag} may not hold {child.tag}" for child in element if child.tag not in rule.children]
    return found + [fault for child in element if child.tag in SCHEMA for fault in faults(child)]
