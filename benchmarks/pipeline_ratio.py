"""The batched pipeline against insightface's loop: `python -m benchmarks.pipeline_ratio --models DIR --images DIR`.

Same models, pictures and number of threads, in one run; writes reports/pipeline.md. A minute or two.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from insightface.app import FaceAnalysis

from batchproof.artifacts import onnx_file
from batchproof.errors import BatchproofError
from batchproof.pipeline import Detector, Embedder, FacePipeline
from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import Picture, load_pictures
from batchproof.runtime import Blob, Outputs
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec
from benchmarks import pipeline_stages
from benchmarks.machine import described
from benchmarks.turns import Cost, take_turns

THREADS = 2
_SIZE = (640, 640)
_ROUNDS = 10
CONTENDERS = ("insightface", "not spinning", "batchproof")


class Session:
    """A repaired model on `THREADS` threads of ONNX Runtime's CPU provider."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options(spin=False), providers=["CPUExecutionProvider"]
        )
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def name(self) -> str:
        """What executes."""
        return f"onnxruntime cpu, {THREADS} threads"

    def infer(self, images: Blob) -> Outputs:
        """Run one batch."""
        return dict(zip(self._outputs, self._session.run(self._outputs, {"input": images}), strict=True))


@dataclass(frozen=True)
class Compared:
    """One picture, or all of them: faces, cost by contender, and the smallest cosine of our embeddings to theirs."""

    name: str
    faces: int
    costs: dict[str, Cost]
    cosine: float


def options(*, spin: bool) -> Any:
    """Make session options for `THREADS` threads; `spin` lets those without work wait in a loop."""
    made = onnxruntime.SessionOptions()
    made.intra_op_num_threads = THREADS
    made.log_severity_level = 4
    made.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    return made


def insightface_loop(files: Sequence[Path], *, spin: bool) -> FaceAnalysis:
    """Open insightface's own `FaceAnalysis` on the original files."""
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            Path(folder, file.name).symlink_to(file.absolute())
        loop = FaceAnalysis(folder, providers=["CPUExecutionProvider"], sess_options=options(spin=spin))
        loop.prepare(0, det_size=_SIZE)
        loop.get(np.zeros((640, 640, 3), np.uint8))  # opens the session of this size, which needs the file
    return loop


def pipeline(files: Sequence[Path]) -> FacePipeline:
    """Open ours on the repaired files, without spinning."""
    detector, embedder = (_opened(file) for file in files)
    return FacePipeline(Detector(*detector), Embedder(*embedder))


def _opened(file: Path) -> tuple[Session, ModelSpec]:
    model = onnx_file.read(file)
    found = recognise(model)
    return Session(repair(model, found).model), found.spec


def measure(files: Sequence[Path], pictures: Sequence[Picture]) -> Iterator[Compared]:
    """Compare on each picture alone and on all of them in one call."""
    spinning, calm = (insightface_loop(files, spin=spin) for spin in (True, False))
    ours = pipeline(files)
    everything = ("all in one batch", [picture.pixels for picture in pictures])
    for name, frames in [*((picture.name, [picture.pixels]) for picture in pictures), everything]:
        works: dict[str, Callable[[], object]] = {
            "insightface": partial(_loop, spinning, frames),
            "not spinning": partial(_loop, calm, frames),
            "batchproof": partial(ours.run, frames),
        }
        yield _compared(name, frames, take_turns(works, _ROUNDS), calm, ours)


def _loop(loop: FaceAnalysis, frames: Sequence[Pixels]) -> list[Any]:
    return [loop.get(frame) for frame in frames]


def _compared(
    name: str, frames: Sequence[Pixels], costs: dict[str, Cost], loop: FaceAnalysis, ours: FacePipeline
) -> Compared:
    """Hold the answers against each other: a faster one that differs is none."""
    found, expected = ours.run(frames), _loop(loop, frames)
    if [len(faces) for faces in found] != [len(faces) for faces in expected]:
        sys.exit(f"{name}: not the same number of faces")
    theirs = np.array([face.normed_embedding for faces in expected for face in faces])
    unit = np.concatenate([faces.normed_embeddings for faces in found])
    cosine = float((unit * theirs).sum(axis=1).min()) if len(unit) else float("nan")
    return Compared(name, len(unit), costs, cosine)


def _table(compared: Sequence[Compared]) -> str:
    """One line a picture: milliseconds and processor milliseconds of each contender, and our ratios."""
    lines = [
        f"| picture | faces | {' (ms) | '.join(CONTENDERS)} (ms) | ratio | ratio of medians | ratio, not spinning "
        f"| {' (CPU ms) | '.join(CONTENDERS)} (CPU ms) | smallest cosine |",
        "|---|" + "---:|" * (5 + 2 * len(CONTENDERS)),
    ]
    for each in compared:
        costs = [each.costs[name] for name in CONTENDERS]
        theirs, calm, ours = costs
        ratios = (theirs.best / ours.best, theirs.median / ours.median, calm.best / ours.best)
        cells = [
            each.name,
            str(each.faces),
            *(f"{cost.best * 1e3:.0f}" for cost in costs),
            *(f"{ratio:.1f}" for ratio in ratios),
            *(f"{cost.cpu * 1e3:.0f}" for cost in costs),
            f"{each.cosine:.6f}" if each.faces else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _section(files: Sequence[Path], pictures: Sequence[Picture]) -> str:
    compared = list(measure(files, pictures))
    largest = max(range(len(pictures)), key=lambda index: compared[index].faces)
    stages = pipeline_stages.table(pipeline(files), pictures[largest].pixels, _ROUNDS)
    title = " and ".join(file.stem for file in files)
    return f"## {title}\n\n{_table(compared)}\n\nWhere ours spends its time on {pictures[largest].name}:\n\n{stages}\n"


def main() -> None:
    """Write `pipeline.md` into the folder of reports."""
    given = _arguments()
    cv2.setNumThreads(THREADS)
    warnings.simplefilter("ignore", FutureWarning)  # insightface calls what scikit-image announced the end of
    pictures = load_pictures(given.images)
    embedder = given.models / f"{given.embedder}.onnx"
    sections = [_section([given.models / f"{name}.onnx", embedder], pictures) for name in given.detectors]
    report = given.reports / "pipeline.md"
    load = "load of the machine at the end, over 1, 5 and 15 minutes: " + ", ".join(f"{n:.1f}" for n in os.getloadavg())
    machine = described(("insightface", "onnxruntime", "opencv-python", "scikit-image", "numpy"))
    report.write_text("\n".join([_HEAD, f"{machine} The {load}.\n", *sections]), encoding="utf-8")
    print(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline_ratio", description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="folder of the original ONNX files")
    parser.add_argument("--images", type=Path, help="folder of pictures (default: those of insightface)")
    parser.add_argument("--detectors", nargs="+", default=["det_500m", "det_2.5g"], help="their names, without .onnx")
    parser.add_argument("--embedder", default="mobilefacenet_112_batch1", help="its name, without .onnx")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    return parser.parse_args()


_HEAD = f"""# The batched pipeline against insightface's loop

insightface 2.1's `FaceAnalysis.get`, picture by picture and face by face, on the original files, against `FacePipeline`
on the repaired ones: {THREADS} threads each, {_SIZE[0]}x{_SIZE[1]}, {_ROUNDS} rounds in which all took turns; times
are the shortest ones, clock and processor. "ratio" is how many times as long as ours insightface takes. It comes with
threads that spin while they have nothing to do, which costs most on a machine with other work; ours do not. "not
spinning" is insightface with that switched off: what the pipeline gains without it. Written by
`python -m benchmarks.pipeline_ratio --models DIR --images DIR`.
"""

if __name__ == "__main__":
    try:
        main()
    except BatchproofError as error:
        sys.exit(f"pipeline_ratio: {error.line()}")
