"""`batchproof build`: one graph, and a matrix; through the command line, in this process where that is enough."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from batchproof.cli.app import app
from batchproof.errors import InputError
from tests.build import tiny_graphs


def build(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["build", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--target", "rtx", "--backend", "ort"), "--target and --backend exclude each other"),
        (("--target", "rtx", "--target", "ort"), "this asks for several engines"),
        (("--profile", "1", "--profile", "8"), "this asks for several engines"),
        (("--precision", "int8"), "'int8' is no precision"),
        (("--target", "deepstream"), "target 'deepstream' is not known"),
        (("--target", "rtx", "--hardware", "ampere+"), "rtx does not support"),
        (("--cache", "somewhere", "--no-cache"), "--cache and --no-cache exclude each other"),
        (("--timing-cache", "record"), "--timing-cache record needs a file"),
        (("--timing-cache-file", "cache"), "a timing cache is named and not used"),
        (("--timing-cache", "verified", "--timing-cache-file", "cache"), "a verified timing cache needs its SHA-256"),
        (("--matrix", "--timing-cache", "record", "--timing-cache-file", "c"), "a timing cache belongs to one engine"),
        (("--profile", "8,4,16"), "is not minimum <= optimum <= maximum"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    models = tmp_path / "models"
    models.mkdir()
    model = tiny_graphs.detector(models / "tiny.onnx")
    result = build(models if "--matrix" in arguments else model, "-o", tmp_path / "out", *arguments)
    assert isinstance(result.exception, InputError)
    assert sentence in result.exception.line()
    assert not (tmp_path / "out").exists()
