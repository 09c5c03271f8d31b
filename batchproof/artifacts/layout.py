"""Where everything lies in a store: the contract between the stages, and with whoever reads a store from outside."""

from __future__ import annotations

from batchproof.zoo.spec import Precision

# What people read, beside the manifest: the same verdicts as text, and as a page that links to the artifacts.
MARKDOWN_REPORT = "report.md"
HTML_REPORT = "report.html"
# Measurements of speed: no part of any model, however large they are.
BENCHMARKS = "bench"


def exported(model: str) -> str:
    """The original that everything is measured against."""
    return f"export/{model}.onnx"


def repaired(model: str, precision: Precision) -> str:
    """The batch-safe graph."""
    return f"surgery/{model}.{precision}.onnx"


def session(model: str, precision: Precision) -> str:
    """The session file of ONNX Runtime on the CPU, which the validation executes."""
    return f"{built('ort')}/{model}.{precision}.ort"


def built(target: str, profiles: str = "") -> str:
    """The folder of a target; within it that of the engines with these profiles, where a model has several."""
    return f"build/{target}/{profiles}".rstrip("/")


def benchmark(subject: str, backend: str) -> str:
    """What was measured of the speed of one engine, or of a pipeline of two models."""
    return f"{BENCHMARKS}/{subject}.{backend}.json"
