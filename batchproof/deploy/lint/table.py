"""The table of DeepStream's rules for people: `python -m batchproof.deploy.lint.table > docs/deepstream-lint.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from itertools import groupby

from batchproof.deploy.lint.finding import Rule, Subject
from batchproof.deploy.lint.rules import ALL

_HEAD = """\
# The DeepStream linter

What `batchproof deploy lint DIR` looks for, generated from `batchproof/deploy/lint/rules/` by

    python -m batchproof.deploy.lint.table > docs/deepstream-lint.md

Most mistakes in DeepStream's files end in a warning among thousands of lines, or in nothing at all. The linter reads
the files of a folder, whoever wrote them: nvinfer, nvdspreprocess, nvinferserver and deepstream-app, as INI, YAML or
protobuf text, told from their content. It compares them with each other and with the ONNX files, and runs nothing.
Files outside of the folder are not opened: paths that lead there are taken for right.

An **error** does not start, infers nothing, or computes something else than it should; the exit code is 1. A
**warning** costs faces, time or memory. A rule about releases needs `--target deepstream-8.0`, or a `manifest.json`
whose `target` says so; one about networks needs an ONNX file in the folder. Without, `--json` says `not_run`.

The keys come from the sources of DeepStream 9.0 and 9.1 (`batchproof/deploy/lint/keys.toml`). Where a key began in an
older release is known of a few only; the others are never held against one. No DeepStream has run: what happens when a
rule is broken was read in its sources.
"""
_TITLES = {
    "files": "Files",
    "keys": "Keys and values",
    "wiring": "Who works for whom",
    "tensors": "Configuration and network",
    "batches": "Batch sizes",
    "engines": "Engines",
    "preprocess": "nvdspreprocess",
    "silent": "Detectors and embedders that fail in silence",
}
_NEEDS = {None: "", "release": "the release", "network": "the ONNX file"}


def table() -> str:
    """Return the page, in Markdown."""
    return page(_HEAD, _TITLES, ALL)


def page(head: str, titles: Mapping[str, str], rules: Iterable[Rule[Subject]]) -> str:
    """Return a page: a table for each family of rules, below a head."""
    families = groupby(rules, key=lambda rule: rule.name.partition(".")[0])
    return head + "".join(_section(titles[family], members) for family, members in families)


def _section(title: str, rules: Iterable[Rule[Subject]]) -> str:
    rows = "".join(f"| `{rule.name}` | {rule.severity} | {rule.catches} | {_NEEDS[rule.needs]} |\n" for rule in rules)
    return f"\n## {title}\n\n| Rule | | Finds | Needs |\n|---|---|---|---|\n{rows}"


if __name__ == "__main__":
    sys.stdout.write(table())
