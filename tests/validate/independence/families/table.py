"""The verdicts on all forms as Markdown: `python -m tests.validate.independence.families.table`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from batchproof.validate.independence import Proof, prove
from tests.validate.independence.families.catalogue import FORMS
from tests.validate.independence.families.form import Form

_HEAD = "| family | form | nodes | verdict | kind | culprit | ms |\n|---|---|---:|---|---|---|---:|"


def timed(form: Form) -> tuple[Proof, float]:
    """Prove a form; the time is in milliseconds of the processor and without building the graph."""
    model = form.model
    started = time.process_time()
    proof = prove(model)
    return proof, (time.process_time() - started) * 1000


def markdown(forms: Iterable[Form]) -> str:
    """Render one row for each form."""
    return "\n".join((_HEAD, *_rows(forms)))


def _rows(forms: Iterable[Form]) -> Iterator[str]:
    for form in forms:
        proof, took = timed(form)
        culprit = f"{proof.op} `{proof.node or proof.tensor}`" if proof.op else ""
        cells = (form.family, form.form, len(form.model.graph.node), proof.status.value, proof.kind or "", culprit)
        yield f"| {' | '.join(map(str, cells))} | {took:.1f} |"


if __name__ == "__main__":
    print(markdown(FORMS))
