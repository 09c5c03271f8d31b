"""The pack that is served: the real detector and embedder, and two seeded heads, for no published ones are at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from batchproof.artifacts import onnx_file
from batchproof.deploy.triton.serving.pipeline_file import Network, ServedPipeline
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from tests.pipeline.tiny_face_networks import tiny_face_network

REAL = {"det_500m": 8, "mobilefacenet_112_batch1": 16}
HEADS = {"2d106det": 212, "genderage": 3}


@dataclass(frozen=True)
class ServedPack:
    """A pipeline, its batch-safe files by Triton's names, and the originals by the networks' own."""

    pipeline: ServedPipeline
    files: dict[str, Path]
    originals: dict[str, Path]


def real_pack(test_data: Path, folder: Path) -> ServedPack:
    """Repair the networks into `folder`."""
    originals = {name: test_data / "models" / f"{name}.onnx" for name in REAL}
    originals |= {name: tiny_face_network(folder / f"{name}.onnx", values) for name, values in HEADS.items()}
    networks = {name: _repaired(name, original, folder) for name, original in originals.items()}
    detector, embedder, *heads = networks.values()
    files = {network.model: folder / f"{network.model}.onnx" for network in networks.values()}
    return ServedPack(ServedPipeline(detector, embedder, tuple(heads)), files, originals)


def _repaired(name: str, original: Path, folder: Path) -> Network:
    model = onnx_file.read(original)
    found = recognise(model)
    network = Network(name, f"{name}.fp32", found.spec, REAL.get(name, 8))
    onnx.save(repair(model, found).model, folder / f"{network.model}.onnx")
    return network


def with_nan_for_black(pack: ServedPack, folder: Path) -> ServedPack:
    """Write a detector that gives NaN for a black frame, and for no other."""
    detector = pack.pipeline.detector
    model = onnx.load(pack.files[detector.model])
    graph = model.graph
    constants = {"almost_black": 0.99, "nothing": 0.0}  # black is -0.996 for the network
    graph.initializer.extend(numpy_helper.from_array(np.float32(value), name) for name, value in constants.items())
    graph.node.extend(
        [
            helper.make_node("ReduceMean", [graph.input[0].name], ["brightness"], axes=[1, 2, 3], keepdims=1),
            helper.make_node("Add", ["brightness", "almost_black"], ["above_black"]),
            helper.make_node("Sqrt", ["above_black"], ["root"]),
            helper.make_node("Mul", ["root", "nothing"], ["nan_or_nothing"]),
            helper.make_node("Squeeze", ["nan_or_nothing"], ["for_rows"], axes=[3]),
        ]
    )
    score = detector.spec.outputs[0].name
    for node in graph.node:
        node.output[:] = [f"{name}_before" if name == score else name for name in node.output]
    graph.node.append(helper.make_node("Add", [f"{score}_before", "for_rows"], [score]))
    path = folder / f"{detector.model}.onnx"
    onnx.save(model, path)
    return replace(pack, files={**pack.files, detector.model: path})
