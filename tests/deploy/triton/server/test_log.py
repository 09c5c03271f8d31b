from __future__ import annotations

import pytest

from batchproof.deploy.triton.server.log import reason

HEAD = "E1128 04:12:06.916127 24834 model_lifecycle.cc:642] "
LOADED = "I1128 04:12:06.916127 24834 model_lifecycle.cc:839] \"successfully loaded 'genderage.fp32'\""
MODEL = "failed to load 'faces' version 1: Internal: TritonModelException: unknown parameter 'x'. There are y."
VERSION = "failed to load model 'det.fp16': at least one version must be available under the version policy"
POLL = "Poll failed for model directory 'net': no version folder"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            f'{LOADED}\n{HEAD}"{MODEL}\\n\\nAt:\\n  /a/model.py(48): initialize\\n"\n{LOADED}\nerror: creating server',
            MODEL,
        ),
        (f'{HEAD}"{VERSION}"\n{LOADED}\nerror: creating server', VERSION),
        (f'{HEAD}"{POLL}"\n{HEAD}"{POLL}"', POLL),
        ("one\ntwo\n\nthree\nfour\n", "two; three; four"),
        ("", "its log is empty"),
    ],
    ids=["a model's own sentence", "a model without a version", "said twice", "nothing that names a cause", "empty"],
)
def test_the_cause_is_found(log: str, expected: str) -> None:
    assert reason(log) == expected
