"""Run every benchmark and write the report: what takes how long, and what half precision costs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from batchproof.errors import BatchproofError
from benchmarks import fp16_table, proof_time, surgery_time
from benchmarks.machine import described

_TOOLS = ("onnx", "onnx-ir", "onnxsim", "onnxslim")


def main() -> None:
    """Benchmark on the ONNX files of one folder and write `benchmarks.md` and its plots to another."""
    given = _arguments()
    files = sorted(given.models.glob("*.onnx"))
    if not files:
        sys.exit(f"{given.models}: no ONNX files here; run 'nox -s export' first, or name another folder")
    given.reports.mkdir(parents=True, exist_ok=True)
    timed = proof_time.measure(files)
    proof_time.plot(timed, given.reports / "proof_time.svg")
    sections = [
        _head(),
        proof_time.markdown(timed, "proof_time.svg"),
        surgery_time.markdown(surgery_time.measure(files)),
        fp16_table.markdown(fp16_table.measure(files, given.images)),
    ]
    report = given.reports / "benchmarks.md"
    report.write_text("\n".join(sections), encoding="utf-8")
    print(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    demo = Path("artifacts/demo/export")
    parser.add_argument("models", type=Path, nargs="?", default=demo, help=f"folder of ONNX files (default: {demo})")
    parser.add_argument("--images", type=Path, help="folder of pictures with faces (default: those of insightface)")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    return parser.parse_args()


def _head() -> str:
    return f"""# Benchmarks

The shortest of several rounds in which all took turns. {described(_TOOLS)} Ratios carry over.
"""


if __name__ == "__main__":
    try:
        main()
    except BatchproofError as error:
        sys.exit(f"benchmarks: {error.line()}")
