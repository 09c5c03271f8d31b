"""The parser of the DeepStream bundle against insightface: `python -m benchmarks.deepstream_parser --models DIR`.

Same raw outputs, in one run; writes reports/deepstream_parser.md. Half a minute, and a C++ compiler.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx

from batchproof.artifacts import onnx_file
from batchproof.errors import BatchproofError
from batchproof.pipeline.decode import Detections, DetectionSettings, decode
from batchproof.pipeline.detect import prepare
from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.pictures import Picture, load_pictures
from batchproof.runtime import OnnxRuntimeRunner, Outputs
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec
from benchmarks.machine import described
from benchmarks.timing import Work, best_seconds
from tests.deploy.deepstream.parser.insightface_decode import ReplayedScrfd
from tests.deploy.deepstream.parser.nvinfer_layers import Layer, layers_of
from tests.deploy.deepstream.parser.parser_library import Parsers, build, prepared, run

SIDE = 640
SIZE = (SIDE, SIDE)
_ROUNDS = 200
_VERSION = "8.0"
_PARSERS = ("boxes, FLOAT", "landmarks, FLOAT", "boxes, HALF", "landmarks, HALF")


@dataclass(frozen=True)
class Batch:
    """What one detector gives for all pictures at once: outputs `[N, rows, channels]`, and the letterboxes' scales."""

    spec: ModelSpec
    outputs: Outputs
    scales: Sequence[float]

    def frame(self, index: int) -> Outputs:
        """The outputs of one picture, `[rows, channels]`."""
        return {name: values[index] for name, values in self.outputs.items()}


def run_detector(file: Path, pictures: Sequence[Picture]) -> Batch:
    """Repair the detector and run it on ONNX Runtime's CPU provider."""
    original = onnx_file.read(file)
    found = recognise(original)
    with tempfile.TemporaryDirectory() as folder:
        repaired = Path(folder, file.name)
        onnx.save(repair(original, found).model, repaired)
        boxed = prepare([picture.pixels for picture in pictures], found.spec.input, *SIZE)
        outputs = OnnxRuntimeRunner(repaired).infer(boxed.blob)
    return Batch(found.spec, {output.name: outputs[output.name] for output in found.spec.outputs}, boxed.scales)


def times(parsers: Parsers, spec: ModelSpec, frame: Outputs) -> dict[str, float]:
    """Time insightface's `detect` without network, what of it is no decoding, and our functions; all take turns."""
    theirs = ReplayedScrfd(spec, *SIZE)
    _require_same(theirs.detect(frame), parsers, frame)
    # Held until the end: the prepared layers point into them.
    layers = {kind: [Layer.of(name, values.astype(kind)) for name, values in frame.items()] for kind in ("f4", "f2")}
    single, half = (prepared(layers[kind]) for kind in ("f4", "f2"))
    ours = (
        partial(parsers.boxes_of, single, SIZE),
        partial(parsers.masks_of, single, SIZE),
        partial(parsers.boxes_of, half, SIZE),
        partial(parsers.masks_of, half, SIZE),
    )
    works: dict[str, Work] = {
        "insightface": theirs.detect_again,
        "canvas": _canvas,
        **dict(zip(_PARSERS, ours, strict=True)),
    }
    return best_seconds(works, _ROUNDS)


def _canvas() -> object:
    """What `detect` does before it runs the network, but for the blob, which is replayed: resize and copy."""
    picture, canvas = (np.zeros((SIDE, SIDE, 3), np.uint8) for _ in range(2))
    canvas[:] = cv2.resize(picture, SIZE)
    return canvas


def _require_same(expected: Detections, parsers: Parsers, frame: Outputs) -> None:
    """A faster answer that differs is none."""
    found = parsers.boxes([Layer.of(name, values) for name, values in frame.items()], SIZE)
    if found["score"].tolist() != expected.scores.tolist():
        sys.exit("not the faces of insightface")


def _speed_table(measured: Mapping[str, tuple[int, dict[str, float]]]) -> str:
    lines = [
        f"| detector | faces | insightface (ms) | {' | '.join(f'{name} (ms)' for name in _PARSERS)} | smallest ratio |",
        "|---|" + "---:|" * (3 + len(_PARSERS)),
    ]
    for name, (faces, costs) in measured.items():
        theirs = costs["insightface"] - costs["canvas"]
        ours = [costs[parser] for parser in _PARSERS]
        cells = [name, str(faces), f"{theirs * 1e3:.2f}", *(f"{seconds * 1e3:.3f}" for seconds in ours)]
        lines.append(f"| {' | '.join(cells)} | {theirs / max(ours):.0f} |")
    return "\n".join(lines)


def _scale_table(parsers: Parsers, batches: Mapping[str, Batch], pictures: Sequence[Picture]) -> str:
    """Faces of insightface, which suppresses in pixels of the picture, and of the parser, in pixels of the network."""
    lines = ["| picture | scale | " + " | ".join(f"{name}: both, only one" for name in batches) + " |", "|---|---:|"]
    lines[1] += "---:|" * len(batches)
    for index, picture in enumerate(pictures):
        cells = [picture.name, f"{next(iter(batches.values())).scales[index]:.3f}"]
        cells += [_compared(parsers, batch, index) for batch in batches.values()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _compared(parsers: Parsers, batch: Batch, index: int) -> str:
    """How many faces are in both answers, and in one alone; the same outputs have the same scores."""
    theirs = decode(batch.outputs, batch.spec, DetectionSettings(), batch.scales)[index].scores.tolist()
    ours = parsers.boxes(layers_of(batch.outputs, index), SIZE)["score"].tolist()
    return f"{len({*theirs} & {*ours})}, {len({*theirs} ^ {*ours})}"


def main() -> None:
    """Write `deepstream_parser.md` into the folder of reports."""
    given = _arguments()
    pictures = load_pictures(given.images)
    batches = {name: run_detector(given.models / f"{name}.onnx", pictures) for name in given.detectors}
    with tempfile.TemporaryDirectory() as folder:
        parsers = build(Path(folder), _VERSION).opened()
        counts = {
            name: [len(parsers.boxes(layers_of(batch.outputs, index), SIZE)) for index in range(len(pictures))]
            for name, batch in batches.items()
        }
        fullest = {name: int(np.argmax(faces)) for name, faces in counts.items()}
        measured = {
            name: (max(counts[name]), times(parsers, batch.spec, batch.frame(fullest[name])))
            for name, batch in batches.items()
        }
        scales = _scale_table(parsers, batches, pictures)
    crowd = ", ".join(sorted({pictures[index].name for index in fullest.values()}))
    machine = f"{described(('insightface', 'numpy', 'opencv-python'))} {run('g++', '--version').splitlines()[0]}, -O3."
    report = given.reports / "deepstream_parser.md"
    speed = f"The picture with most faces, {crowd}:\n\n{_speed_table(measured)}"
    report.write_text(f"{_HEAD}\n{machine}\n\n{speed}\n\n{_SCALES}\n{scales}\n", encoding="utf-8")
    print(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deepstream_parser", description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="folder of the original ONNX files")
    parser.add_argument("--images", type=Path, help="folder of pictures (default: those of insightface)")
    parser.add_argument("--detectors", nargs="+", default=["det_500m", "det_2.5g"], help="their names, without .onnx")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    return parser.parse_args()


_HEAD = f"""# The parser of the DeepStream bundle against insightface

From the raw outputs of one frame, {SIDE}x{SIDE}, to its faces: insightface 2.1's `SCRFD.detect` with a session that
replays these outputs and an input that is not made again, less what it takes to resize the picture; and the two
functions of the parser library, built by the bundle's Makefile and called through ctypes, with the copies that this
costs. All take turns; the shortest of {_ROUNDS} times. Both give the same faces, which the benchmark checks. Written by
`python -m benchmarks.deepstream_parser --models DIR --images DIR`.
"""
_SCALES = """## What suppression before scaling changes

insightface scales boxes to the picture, then suppresses with areas of `(right - left + 1) * (bottom - top + 1)`;
nvinfer scales afterwards, so that the `+ 1` is a pixel of the network. The same outputs, suppressed in either way:
"""

if __name__ == "__main__":
    try:
        main()
    except BatchproofError as error:
        sys.exit(f"deepstream_parser: {error.line()}")
