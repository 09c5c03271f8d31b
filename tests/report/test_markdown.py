from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts.manifest import Manifest, Record
from batchproof.report import markdown
from batchproof.verdict import Status, Verdict
from tests.bench.files import PIPELINE
from tests.report.chains import CHAIN
from tests.report.test_speed import benched

HOSTILE = ["<img src=x onerror=alert(1)>", "![](http:x)", "a | b", "two\n# lines\x1b[31m"]


def rendered(name: str, root: Path) -> str:
    """Render a store in which everything that comes from outside is called `name`."""
    failed = Verdict("parity.raw", name, Status.FAIL, name, witness=name)
    records = (
        Record("surgery", "surgery", name, "k", notes={"reasons": [name]}, machine=name),
        Record("validate", "parity", name, "k", verdicts=(failed,)),
        replace(CHAIN, subject=name, verdicts=(replace(failed, check="parity.chain"),)),
    )
    measured = benched(root, replace(PIPELINE, detector=name, stages_of=name))
    return markdown.render(Manifest(name, records=(*records, *measured.records)), root)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_wherever_it_stands(tmp_path: Path, name: str) -> None:
    text = rendered(name, tmp_path)
    assert "<img" not in text
    assert "](" not in text
    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line.startswith("# lines")]
    plain = rendered("name", tmp_path)
    assert text.count("\n") == plain.count("\n")
    assert text.replace("\\|", "").count("|") == plain.count("|")
