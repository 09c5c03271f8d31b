"""Run every benchmark: `python -m benchmarks [MODELS] [REPORTS]`; both are folders."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

from benchmarks import proof_time, surgery_time

_TOOLS = ("onnx", "onnx-ir", "onnxsim", "onnxslim")


def main(models: Path, reports: Path) -> None:
    """Benchmark on the ONNX files of `models` and write `benchmarks.md` and its plots to `reports`."""
    files = sorted(models.glob("*.onnx"))
    if not files:
        sys.exit(f"{models}: no ONNX files here; run 'nox -s export' first, or name another folder")
    reports.mkdir(parents=True, exist_ok=True)
    timed = proof_time.measure(files)
    proof_time.plot(timed, reports / "proof_time.svg")
    sections = [_machine(), proof_time.markdown(timed, "proof_time.svg")]
    sections.append(surgery_time.markdown(surgery_time.measure(files)))
    (reports / "benchmarks.md").write_text("\n".join(sections), encoding="utf-8")
    print(reports / "benchmarks.md")


def _machine() -> str:
    versions = ", ".join(f"{tool} {metadata.version(tool)}" for tool in _TOOLS)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"""# Benchmarks

The shortest of several rounds in which all took turns. Absolute times are those of one shared machine, {cores} cores of
{platform.machine()}, Python {platform.python_version()}; {versions}. Ratios carry over.
"""


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:3]]
    main(*given, *(Path("artifacts/demo/export"), Path("reports"))[len(given) :])
