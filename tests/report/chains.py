"""A store with the chain of one pair of models, its pictures and its file, small enough to read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from batchproof.artifacts import json_file
from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.validate.chain.chain_file import (
    ChainFile,
    Errors,
    FoundFace,
    PictureFaces,
    SeenFaces,
    Similarity,
    store_path,
)
from batchproof.verdict import Status, Verdict, at_most, not_run

JPEG = b"\xff\xd8 not really"
PATH, PICTURE = store_path("det", "fp16"), "validate/pictures/0000.jpg"
FACE = FoundFace((10.0, 20.0, 50.0, 80.0), 0.9, ((20.0, 40.0), (40.0, 40.0)))
MOVED = replace(FACE, box=(10.5, 20.0, 50.0, 80.0))
SEEN = SeenFaces(
    pictures=(
        PictureFaces("a.jpg", 100, 200, (FACE, FACE), (MOVED,), 2, 1),
        PictureFaces("b.jpg", 60, 50, (), (), 0, 0),
    ),
    errors=Errors(box=(0.5,), landmark=(0.0,), score=(1e-4,), cosine=(2e-5,)),
    similarity=Similarity(("a.jpg, face 0", "a.jpg, face 1", "b.jpg, face 0"), *[
        tuple(map(tuple, [[1, 0.25, best], [0.25, 1, 0.1], [best, 0.1, 1]])) for best in (0.6, 0.59)
    ]),
)  # fmt: skip
VERDICTS = (
    Verdict("parity.chain", "det.fp16", Status.FAIL, "first departing stage: nms", witness="nms"),
    at_most("parity.chain.nms", "det.fp16", 2, 0, "x", unit="faces", witness="a.jpg"),
    at_most("parity.chain.nms.end_to_end", "det.fp16", 1, 0, "x", unit="faces"),
    at_most("parity.chain.crop.end_to_end", "det.fp16", 3, 40, "x"),
    not_run("parity.chain.unreached", "det.fp16", "nothing to compare at decision"),
    Verdict("parity.chain_on_noise", "det.fp16", Status.PASS, "first departing stage: none of 1"),
    at_most("parity.chain_on_noise.nms", "det.fp16", 0, 0, "x", unit="faces"),
)
CHAIN = Record(
    "validate", "parity.chain", "det.fp16", "k", verdicts=VERDICTS, artifacts=(Artifact(PATH, "0", 1),),
    settings={"pair": ["det", "rec"]},
)  # fmt: skip
PICTURES = Record(
    "validate", "pictures", "pack", "k", artifacts=(Artifact(PICTURE, "0", 1),), notes={"names": ["a.jpg", "b.jpg"]}
)


def chain_store(root: Path, seen: SeenFaces = SEEN) -> Manifest:
    """Write the files below `root`, and return the manifest that names them; the second picture has none."""
    (root / "validate" / "pictures").mkdir(parents=True)
    (root / PATH).write_bytes(json_file.write(ChainFile("det.fp16", "det", "rec", seen)))
    (root / PICTURE).write_bytes(JPEG)
    return Manifest("pack", records=(CHAIN, PICTURES))
