"""The table of Triton's rules for people: `python -m batchproof.deploy.lint.triton.table > docs/triton-lint.md`."""

from __future__ import annotations

import sys

from batchproof.deploy.lint.table import page
from batchproof.deploy.lint.triton.rules import ALL

_HEAD = """\
# The Triton linter

What `batchproof deploy lint DIR` looks for in model repositories, generated from
`batchproof/deploy/lint/triton/rules/` by

    python -m batchproof.deploy.lint.triton.table > docs/triton-lint.md

DIR is a repository, or a folder with one anywhere in it, whoever wrote it: a folder of a config.pbtxt, or of a version
with a model, is a model, and the folder around it the repository. The linter reads every config.pbtxt, and the
alternatives in `configs/`, as the server's own parser does; it compares them with each other, with the files of the
versions, and with the ONNX files. It runs nothing, needs neither server nor GPU, and opens nothing outside of DIR.

An **error** is a model that is refused, that the server leaves out, or that answers with something wrong; the exit code
is 1. A **warning** is taken by the server without a word, and has no effect, or another than was meant. In a file
that the server cannot parse only the parser's errors are found: it does not see the rest either. A rule about networks
needs the ONNX: `VERSION/model.onnx` or the file that the configuration names, and for a plan a file anywhere in DIR
that is called like the model, `det_10g.fp16.onnx`. Without, `--json` says `not_run`.

The fields come from Triton's own protobuf (`batchproof/deploy/lint/triton/fields.toml`). Whether the core of the server
refuses a broken repository or takes it was tried with tritonserver 2.51 (tests/deploy/lint/triton/test_server.py). What
the backends of ONNX Runtime and TensorRT do was read in their sources.
"""
_TITLES = {
    "text": "What the parser refuses",
    "model": "Models and backends",
    "version": "Versions and files",
    "batching": "Batches",
    "io": "Inputs and outputs",
    "graph": "Configuration and network",
    "instances": "Instances",
    "warmup": "Warm-up",
    "ensemble": "Ensembles",
    "faces": "The pipeline `faces` of batchproof",
}


def table() -> str:
    """Return the page, in Markdown."""
    return page(_HEAD, _TITLES, ALL)


if __name__ == "__main__":
    sys.stdout.write(table())
