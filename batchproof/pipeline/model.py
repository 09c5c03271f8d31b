"""Opening the file of a model for the pipeline."""

from __future__ import annotations

from pathlib import Path

from batchproof.artifacts import onnx_file
from batchproof.errors import InputError
from batchproof.runtime import CPU, OnnxRuntimeRunner, Runner
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec


def open_model(path: Path, *, provider: str = CPU) -> tuple[Runner, ModelSpec]:
    """Open a batch-safe ONNX file on ONNX Runtime, and return its runner and what it is.

    `Detector(*open_model(path))` is how a file gets into a pipeline. Raises `InputError` for files that are no known
    face model, or not as surgery leaves them: the published ones mix the rows of a batch.
    """
    found = recognise(onnx_file.read(path), path)
    if found.output_names != tuple(output.name for output in found.spec.outputs):
        remedy = f"Make it batch-safe first: batchproof surgery {path} -o OUT.onnx"
        raise InputError(f"outputs are called {', '.join(found.output_names)}", where=path, remedy=remedy)
    return OnnxRuntimeRunner(path, provider=provider), found.spec
