"""A pipeline of tiny networks with two heads, on ONNX Runtime in this process."""

from __future__ import annotations

from pathlib import Path

from batchproof.deploy.triton.serving.pipeline_file import Network, ServedPipeline
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.zoo import families
from tests.pipeline import tiny_scrfd
from tests.pipeline.tiny_face_networks import batchable, tiny_face_network
from tests.validate.tiny_embedder import SPEC as EMBEDDER
from tests.validate.tiny_embedder import tiny_embedder

PIPELINE = ServedPipeline(
    Network("finder", "finder.fp32", tiny_scrfd.SPEC, 3),
    Network("knower", "knower.fp32", EMBEDDER, 8),
    (
        Network("2d106det", "2d106det.fp32", families.landmarks(size=192, channels=212, normalised_in_graph=True), 8),
        Network("genderage", "genderage.fp32", families.genderage(size=96, normalised_in_graph=True), 8),
    ),
)


def tiny_files(folder: Path) -> dict[str, Path]:
    """Write the networks; their files by Triton's names."""
    return {
        "finder.fp32": tiny_scrfd.tiny_scrfd(folder / "finder.onnx"),
        "knower.fp32": tiny_embedder(folder / "knower.onnx"),
        "2d106det.fp32": batchable(tiny_face_network(folder / "2d106det.onnx", 212)),
        "genderage.fp32": batchable(tiny_face_network(folder / "genderage.onnx", 3)),
    }


def tiny_runners(folder: Path) -> dict[str, OnnxRuntimeRunner]:
    return {model: OnnxRuntimeRunner(path) for model, path in tiny_files(folder).items()}
