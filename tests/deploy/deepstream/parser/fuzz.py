"""Lists of layers that no engine would give: `python -m tests.deploy.deepstream.parser.fuzz LIBRARY SHIM EXAMPLES`.

A program of its own, because sanitizers must be loaded before Python is.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.deploy.deepstream.parser.nvinfer_layers import FLOAT, HALF, Layer
from tests.deploy.deepstream.parser.parser_library import ParserLibrary, Parsers
from tests.deploy.deepstream.parser.raw_outputs import BOXES_ONLY, FIVE_LEVELS, THREE_LEVELS, crowd

MAX_DIMS = 8
ODD = (0.0, -1.0, 0.5, 1.0, 1e-45, 65504.0, 3e38, np.inf, -np.inf, np.nan)
SIDES = (0, 1, 31, 32, 64, 128, 160, 2**31, 2**32 - 32, 2**32 - 1)
DIMS = (0, 1, 2, 4, 10, 2**16, 2**31, 2**32 - 1)
NAMES = (None, b"", b"score_8", b"bbox_8", b"kps_16", b"score_9", b"\xff\x00\n", b"%s%n" * 200)
HEADS = ((THREE_LEVELS, (128, 128)), (THREE_LEVELS, (96, 64)), (BOXES_ONLY, (32, 160)), (FIVE_LEVELS, (128, 256)))


@st.composite
def lie(draw: st.DrawFn, honest: Layer) -> Layer:
    """`honest` with one thing wrong, but never with a shape that fits and is larger than its memory."""
    kinds = st.sampled_from([kind for kind in (FLOAT, HALF, 2, 3, 4, 5, 99, -1) if kind != honest.data_type])
    shape = draw(st.lists(st.sampled_from((*DIMS, *honest.dims)), max_size=MAX_DIMS))
    lies: tuple[dict[str, Any], ...] = (
        {"name": draw(st.sampled_from(NAMES))},
        {"values": None},
        {"values": None, "data_type": draw(kinds)},
        {"dims": (1, *honest.dims)[:MAX_DIMS], "num_dims": 3},  # which may be a lie already
        {"dims": shape, "num_dims": len(shape)},
        {"num_dims": draw(st.sampled_from((0, 1, 8, 9, 2**32 - 1)))},
        {"num_elements": draw(st.sampled_from(DIMS))},
    )
    return dataclasses.replace(honest, **draw(st.sampled_from(lies)))


@st.composite
def frame(draw: st.DrawFn) -> tuple[list[Layer], tuple[int, int]]:
    """The layers of one network and its size: odd numbers among the values, up to three lies, and any order."""
    spec, size = draw(st.sampled_from(HEADS))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    odd = np.array(draw(st.lists(st.sampled_from(ODD), min_size=1, max_size=4)), np.float32)
    layers = []
    for name, values in crowd(spec, size, seed=int(random.integers(2**16))).items():
        spoilt = np.where(random.random(values.shape) < draw(st.sampled_from((0, 0.1, 1))), random.choice(odd), values)
        with np.errstate(over="ignore"):
            layers.append(Layer.of(name, spoilt.astype((np.float16, np.float32)[random.integers(2)])))
    for index in draw(st.lists(st.integers(0, len(layers) - 1), max_size=3)):
        layers[index] = draw(lie(layers[index]))
    layers = [layers[index] for index in random.permutation(len(layers))]
    cut, doubled = draw(st.sampled_from(((0, 0), (0, 0), (0, 0), (0, 2), (1, 0), (9, 0))))
    other = (draw(st.sampled_from(SIDES)), draw(st.sampled_from(SIDES)))
    return [*layers[cut:], *layers[:doubled]], draw(st.sampled_from((size, size, size, other)))


def parse(parsers: Parsers, layers: list[Layer], size: tuple[int, int], thresholds: list[float]) -> int:
    """Both parsers list the same faces, each with area, in the frame and above the threshold."""
    boxes = parsers.boxes(layers, size, thresholds)
    objects, masks = parsers.masks(layers, size, thresholds)
    for name in ("score", "left", "top", "width", "height"):
        np.testing.assert_array_equal(boxes[name], objects[name])
    assert (np.diff(boxes["score"]) <= 0).all()
    assert np.isfinite(boxes["score"]).all()
    assert (boxes["score"] >= np.float32(thresholds[0] if thresholds else 0.5)).all()
    assert (boxes["width"] > 0).all()
    assert (boxes["left"] >= 0).all()
    assert (boxes["left"] + boxes["width"] <= np.nextafter(np.float32(size[0]), np.float32(np.inf))).all()
    assert np.isfinite(masks[objects["mask_size"] > 0]).all()
    return len(boxes)


def main() -> None:
    """Parse `EXAMPLES` frames; a sanitizer ends the process with what it found."""
    parsers = ParserLibrary(Path(sys.argv[1]), Path(sys.argv[2])).opened()
    faces = []

    @settings(max_examples=int(sys.argv[3]), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(frame(), st.lists(st.sampled_from((-1.0, 0.0, 0.3, 0.5, 2.0, np.nan, np.inf)), max_size=2))
    def frames(given_frame: tuple[list[Layer], tuple[int, int]], thresholds: list[float]) -> None:
        faces.append(parse(parsers, *given_frame, thresholds))

    frames()
    print(f"{len(faces)} frames, {sum(map(bool, faces))} of them with faces")


if __name__ == "__main__":
    main()
