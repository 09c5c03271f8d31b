"""The tiny detector and embedder as a chain, insightface's way and ours, and pictures full of faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.pictures import Picture
from batchproof.policy import load_policy
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.validate.chain.compare import compare_chain
from batchproof.validate.chain.limits import limits_of
from batchproof.validate.chain.original import WatchedDetector, WatchedEmbedder, original_trace
from batchproof.validate.chain.stages import Model, Stages
from batchproof.validate.chain.table import ChainTable
from batchproof.validate.chain.trace import Scene, Trace
from tests.pipeline.tiny_scrfd import SPEC, picture, tiny_scrfd
from tests.validate.tiny_embedder import SPEC as EMBEDDER
from tests.validate.tiny_embedder import tiny_embedder

PICTURES = [Picture(f"{seed}.png", picture(60 + seed * 17, 96, seed)) for seed in range(4)]
SCENE = Scene(PICTURES, DetectionSettings(64, 96, threshold=0.3), max_num=3)
LIMITS = limits_of(load_policy(), "fp32")


@dataclass(frozen=True)
class TinyChain:
    """Both files, insightface on them, what it makes of `SCENE`, and our stages."""

    files: tuple[Path, Path]
    detector: WatchedDetector
    embedder: WatchedEmbedder
    theirs: Trace
    ours: Stages

    def compared(self, ours: Stages) -> ChainTable:
        return compare_chain(ours, SCENE, self.theirs, LIMITS).table


def tiny_chain(folder: Path) -> TinyChain:
    files = tiny_scrfd(folder / "detector.onnx"), tiny_embedder(folder / "embedder.onnx")
    detector, embedder = WatchedDetector(files[0], SPEC), WatchedEmbedder(files[1])
    runners = [OnnxRuntimeRunner(file) for file in files]
    ours = Stages(Model(runners[0], SPEC, batch=3), Model(runners[1], EMBEDDER, batch=4))
    return TinyChain(files, detector, embedder, original_trace(detector, embedder, SCENE), ours)
