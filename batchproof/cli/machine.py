"""Verbs about machines: doctor for this one, targets for those that engines are built for."""

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


@app.command()
def targets(as_json: Json = False) -> None:
    """Show what engines can be built for: TensorRT, container, and what must be known to use them there."""
    from batchproof import console
    from batchproof.targets import all_targets

    if as_json:
        print_json({"targets": plain(all_targets())})
    else:
        console.show_targets(all_targets())
