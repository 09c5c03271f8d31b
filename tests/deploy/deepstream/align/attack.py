"""Random faces and frames against the sanitised host library: `python -m tests.deploy.deepstream.align.attack LIBRARY`.

Run with the address sanitiser preloaded: it ends this process at the first byte read outside a frame.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.deploy.deepstream.align import frames
from tests.deploy.deepstream.align.frames import FrameBuffer
from tests.deploy.deepstream.align.native import Native

LARGE = st.sampled_from([640.0, 1e30, 2.0**32])
NUMBER = st.floats(width=32) | st.floats(-100, 100, width=32) | LARGE
SMALL = st.floats(-100, 100, width=32)
MAP = st.floats() | st.floats(-50, 50) | st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e18, -1e300])
SIDE = st.integers(1, 9)


@st.composite
def frame_buffers(draw: st.DrawFn) -> FrameBuffer:
    """Frames of 1 to 9 pixels a side, their memory as large as it must be, or with rows too short for them."""
    format_, width, height = draw(st.sampled_from(frames.FORMATS)), draw(SIDE), draw(SIDE)
    picture = draw(arrays(np.uint8, (height, width, 3), elements=st.integers(0, 255)))
    whole = frames.rgba(picture) if format_ == "rgba" else frames.nv12(picture, format_)
    shorter = draw(st.sampled_from([0, 0, 0, 1, 13, 14, 20]))
    if not shorter:
        return whole
    return FrameBuffer(format_, width, height, whole.pixels, max(0, whole.pitch - shorter), whole.chroma)


@st.composite
def boxes(draw: st.DrawFn) -> np.ndarray:
    """Boxes with an extent, most of them."""
    corner, sides = (
        draw(arrays(np.float32, 2, elements=SMALL)),
        draw(arrays(np.float32, 2, elements=st.just(8) | NUMBER)),
    )
    return np.concatenate([corner, corner + sides])


def attack(native: Native, examples: int) -> None:
    """Warp, place and invert whatever comes."""

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(frame_buffers(), arrays(np.float64, (2, 2, 3), elements=MAP), st.integers(1, 12))
    def warped(frame: FrameBuffer, to_frame: np.ndarray, size: int) -> None:
        tensor = native.warp(frame, to_frame, size)
        assert tensor is None or ((tensor >= 0) & (tensor <= 255)).all()

    @settings(max_examples=5 * examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        boxes(),
        arrays(np.float32, st.sampled_from([0, 1, 19, 20, 21]), elements=NUMBER),
        arrays(np.float32, (5, 2), elements=SMALL) | arrays(np.float32, (5, 2), elements=NUMBER),
        st.tuples(LARGE | NUMBER, LARGE | NUMBER),
        st.tuples(SIDE | st.integers(0, 2**31 - 1), SIDE | st.integers(0, 2**31 - 1)),
        st.sampled_from([-112, 0, 1, 112, 128]),
        st.booleans(),
    )
    def placed(
        box: np.ndarray,
        foreign: np.ndarray,
        points: np.ndarray,
        network: tuple[float, float],
        frame: tuple[int, int],
        size: int,
        box_mode: bool,
    ) -> None:
        for mask in (foreign, native.mask(points, *network)):
            outcome, to_frame = native.place(box, mask, frame, size=size, box_mode=box_mode)
            assert outcome != "aligned" or np.isfinite(to_frame).all()
            if outcome == "aligned":
                native.warp(frames.rgba(np.zeros((3, 3, 3), np.uint8)), to_frame[None], 4)

    warped()
    placed()


if __name__ == "__main__":
    attack(Native(Path(sys.argv[1])), int(os.environ.get("BATCHPROOF_ALIGN_EXAMPLES", "150")))
