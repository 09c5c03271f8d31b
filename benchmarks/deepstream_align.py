"""The aligner of DeepStream against insightface: `python -m benchmarks.deepstream_align --models DIR --images DIR`.

Compiles the host path of the bundle's own sources and measures it on all faces; writes reports/deepstream_align.md.
Half a minute.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from insightface.utils import face_align
from numpy.typing import NDArray

from batchproof.errors import BatchproofError
from batchproof.pipeline import Embedder
from batchproof.pipeline.align import arcface_template, similarities
from batchproof.pipeline.letterbox import fitted_size
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.upright import upright_crops
from benchmarks.machine import described
from tests.deploy.deepstream.align import frames
from tests.deploy.deepstream.align.faces import DETECTOR, EMBEDDER, NETWORK, Scene, cosines, embedder, scenes
from tests.deploy.deepstream.align.native import BUNDLE, Native, build

_SIZE = 112
_CORNERS = np.array([[0, 0, 1], [_SIZE, 0, 1], [0, _SIZE, 1], [_SIZE, _SIZE, 1.0]]).T
_SITINGS: tuple[frames.Siting, ...] = ("left", "centre")


@dataclass(frozen=True)
class Aligned:
    """A picture, the maps of its faces (`[n, 2, 3]`, there and back) and its crops from RGBA."""

    scene: Scene
    there: NDArray[np.float64]
    back: NDArray[np.float64]
    crops: Pixels


def align(native: Native, scene: Scene) -> Aligned:
    """Align every face of a picture with the bundle's host path."""
    there = np.array([native.similarity(points, arcface_template(_SIZE)) for points in scene.keypoints])
    back = np.array([native.invert(matrix) for matrix in there])
    return Aligned(scene, there, back, native.crops(frames.rgba(scene.picture), back))


def against_insightface(aligned: Sequence[Aligned], network: Embedder) -> str:
    """Compare matrices and crops with `face_align.norm_crop`, picture by picture."""
    lines = []
    for each in aligned:
        theirs = similarities(each.scene.keypoints, arcface_template(_SIZE))
        crops = np.array([face_align.norm_crop(each.scene.picture, points) for points in each.scene.keypoints])
        placed = each.there @ _undone(theirs) - theirs @ _undone(theirs)
        cells = [
            each.scene.name,
            str(len(crops)),
            f"{np.abs(each.there - theirs).max():.1e}",
            f"{np.abs(placed).max():.1e}",
            *_levels(each.crops, crops),
            f"{(each.crops != crops).mean():.3%}",
            f"{cosines(network, each.crops, crops).min():.6f}",
        ]
        lines.append(cells)
    head = [
        "picture",
        "faces",
        "matrix",
        "corners (px)",
        "levels, max",
        "mean",
        "pixels that differ",
        "smallest cosine",
    ]
    return _table(head, lines)


def _undone(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where in the picture the corners of the crops lie, `[n, 3, 4]`, homogeneous."""
    last = np.broadcast_to([[[0.0, 0, 1]]], (len(matrices), 1, 3))
    corners: NDArray[np.float64] = np.linalg.inv(np.concatenate([matrices, last], axis=1)) @ _CORNERS
    return corners


def boxes(aligned: Sequence[Aligned], native: Native) -> str:
    """Compare the crops of mode `bbox1.5` with the pipeline's, which are insightface's to the bit."""
    lines = []
    for size in (96, 192):
        found, expected = [], []
        for scene in (each.scene for each in aligned):
            height, width = scene.picture.shape[:2]
            places = [native.place(box, None, (width, height), size=size, box_mode=True)[1] for box in scene.boxes]
            found.append(native.crops(frames.rgba(scene.picture), np.array(places), size))
            expected.append(upright_crops([scene.picture], [scene.boxes], size)[0])
        lines.append([str(size), *_levels(np.concatenate(found), np.concatenate(expected))])
    return _table(["size", "levels, max", "mean"], lines)


def video(aligned: Sequence[Aligned], native: Native, network: Embedder) -> str:
    """Compare crops from NV12 with those from RGBA, all faces together."""
    expected = np.concatenate([each.crops for each in aligned])
    lines = []
    for variant in frames.NV12:
        for siting in _SITINGS:
            coded = [native.crops(frames.nv12(each.scene.picture, variant, siting), each.back) for each in aligned]
            found = np.concatenate(coded)
            alike = cosines(network, found, expected)
            lines.append([variant, siting, *_levels(found, expected), f"{alike.min():.4f}", f"{alike.mean():.5f}"])
    return _table(["format", "chroma sited", "levels, max", "mean", "smallest cosine", "mean"], lines)


def letterboxes(aligned: Sequence[Aligned], native: Native, network: Embedder) -> str:
    """Compare nvinfer's mapping of landmarks with insightface's one scale: what taking the wrong one would cost."""
    lines = []
    for each in aligned:
        height, width = each.scene.picture.shape[:2]
        scales = native.letterbox(width, height, NETWORK, NETWORK)
        if scales is None:
            raise ValueError(f"{each.scene.name} does not fit into the network")
        single = fitted_size(height, width, NETWORK, NETWORK)[0] / height
        wrong = (each.scene.keypoints * np.array(scales) / single).astype(np.float32)
        moved = np.abs(wrong - each.scene.keypoints).max()
        alike = cosines(network, align(native, _moved(each.scene, wrong)).crops, each.crops).min()
        numbers = [f"{scales[0]:.6f}", f"{scales[1]:.6f}", f"{single:.6f}", f"{moved:.3f}", f"{alike:.5f}"]
        lines.append([each.scene.name, f"{width}x{height}", *numbers])
    return _table(
        ["picture", "size", "nvinfer, x", "y", "insightface", "landmarks apart (px)", "smallest cosine"], lines
    )


def kernel(folder: Path) -> str:
    """What `make check-align` says of the GPU's kernel on this machine."""
    command = ["make", "-C", str(BUNDLE), "-f", "align/align.mk", f"BUILD={folder}", "check-align"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in done.stdout.splitlines() if line.startswith("check-align: ")]
    return said[-1].removeprefix("check-align: ") if said else f"failed: {done.stderr.strip()[-300:]}"


def _moved(scene: Scene, keypoints: NDArray[np.float32]) -> Scene:
    return Scene(scene.name, scene.picture, scene.boxes, keypoints)


def _levels(found: Pixels, expected: Pixels) -> list[str]:
    """The largest and the mean difference in grey levels."""
    apart = np.abs(found.astype(int) - expected)
    return [str(apart.max()), f"{apart.mean():.4f}"]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = "|" + "---|" + "---:|" * (len(head) - 1)
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(line)} |" for line in lines)])


def report(models: Path, images: Path | None) -> str:
    """Measure everything and write it down."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        native, network = Native(build(folder)), embedder(models, folder)
        aligned = [align(native, scene) for scene in scenes(models, images, folder)]
        machine = described(("insightface", "opencv-python", "scikit-image", "onnxruntime", "numpy"))
        return _REPORT.format(
            machine=machine,
            kernel=kernel(folder),
            faces=sum(len(each.crops) for each in aligned),
            insightface=against_insightface(aligned, network),
            boxes=boxes(aligned, native),
            video=video(aligned, native, network),
            letterboxes=letterboxes(aligned, native, network),
        )


def main() -> None:
    """Write `deepstream_align.md` into the folder of reports."""
    given = _arguments()
    warnings.simplefilter("ignore", FutureWarning)  # insightface calls what scikit-image announced the end of
    path = given.reports / "deepstream_align.md"
    path.write_text(report(given.models, given.images), encoding="utf-8")
    print(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deepstream_align", description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help=f"folder with {DETECTOR}.onnx and {EMBEDDER}.onnx")
    parser.add_argument("--images", type=Path, help="folder of pictures (default: those of insightface alone)")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    return parser.parse_args()


_REPORT = f"""# The aligner of the DeepStream bundle against insightface

The host path of the bundle's sources (`batchproof/deploy/deepstream/bundle/align/`), compiled and run on all {{faces}}
faces that {DETECTOR} finds in the pictures. The GPU's kernel calls the same function for each pixel; `make
check-align` compares the two, and says here: {{kernel}}.
Cosines are those of {EMBEDDER}, between embeddings of the crops compared. Written by
`python -m benchmarks.deepstream_align --models DIR --images DIR`.

{{machine}}

## `arcface5` against `face_align.norm_crop`

Crops of {_SIZE} pixels from RGBA. "matrix" is the largest difference of an entry, "corners" that of where a corner of
the crop comes to lie; what there is of it is insightface's own rounding to float32. Differences between crops are in
grey levels: both round to whole ones. OpenCV 5 takes coordinates as they are, and so does the bundle; OpenCV 4 rounds
them to 1/32 of a pixel.

{{insightface}}

## `bbox1.5` against `face_align.transform`

{{boxes}}

## NV12 against RGBA

The picture encoded to NV12 in four ways and aligned from there, against aligned from RGBA: what the subsampling of
chroma and 8 bits cost. The bundle takes chroma to be sited left, as video has it; "centre" is what it costs when the
encoder had it otherwise.

{{video}}

## The letterbox of nvinfer

Scales into {NETWORK}x{NETWORK}, and what comes of mapping landmarks back with insightface's one scale, as if nvinfer
letterboxed like insightface: how far they lie apart, and the cosine between the crops. The bundle uses nvinfer's.

{{letterboxes}}
"""

if __name__ == "__main__":
    try:
        main()
    except BatchproofError as error:
        sys.exit(f"deepstream_align: {error.line()}")
