"""The verb about this machine: doctor."""

from __future__ import annotations

from batchproof.cli.app import app
from batchproof.cli.options import Json
from batchproof.cli.outcome import plain, print_json


@app.command()
def doctor(as_json: Json = False) -> None:
    """Show what this machine can do: GPU, driver, TensorRT, ONNX Runtime, insightface, compilers, servers."""
    from batchproof import console
    from batchproof.doctor import examine

    findings = examine()
    if as_json:
        print_json({"findings": plain(findings)})
    else:
        console.show_findings(findings)
