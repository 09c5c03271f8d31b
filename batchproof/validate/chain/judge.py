"""The whole chain in one call: real pictures, noise, tables and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.validate.chain.chain_file import SeenFaces
from batchproof.validate.chain.compare import compare_chain
from batchproof.validate.chain.limits import Limits
from batchproof.validate.chain.noise import noise_scene
from batchproof.validate.chain.original import WatchedDetector, WatchedEmbedder, original_trace
from batchproof.validate.chain.seen_faces import seen_faces
from batchproof.validate.chain.stages import Stages
from batchproof.validate.chain.table import ChainTable, chain_verdicts
from batchproof.validate.chain.trace import Scene
from batchproof.verdict import Verdict


@dataclass(frozen=True)
class ChainReport:
    """The tables of the given pictures and of seeded noise, the verdicts on both, and what was seen in the pictures."""

    pictures: ChainTable
    noise: ChainTable
    verdicts: tuple[Verdict, ...]
    seen: SeenFaces


def judge_chain(
    detector: Path, embedder: Path, ours: Stages, scene: Scene, limits: Limits, subject: str
) -> ChainReport:
    """Compare `ours` with insightface on the original files `detector` and `embedder`, stage by stage.

    Detection runs at the size of `scene`, or at the one that the original fixes. Noise is judged on insightface's
    inputs only: none of it is a face, and end to end what is taken for one comes and goes with the rounding. Raises
    `MissingDependencyError` without insightface, and `InputError` for files that it does not take.
    """
    watched, watched_embedder = WatchedDetector(detector, ours.detector.spec), WatchedEmbedder(embedder)
    sized = scene.resized(watched.own_size)
    random = noise_scene(watched, ours.detector.spec, sized)
    pictures, noise = (
        compare_chain(ours, taken, original_trace(watched, watched_embedder, taken), limits)
        for taken in (sized, random)
    )
    verdicts = chain_verdicts(pictures.table, subject)
    verdicts += chain_verdicts(noise.table.alone, subject, "parity.chain_on_noise")
    seen = seen_faces(sized.pictures, pictures.found)
    return ChainReport(pictures.table, noise.table.alone, tuple(verdicts), seen)
