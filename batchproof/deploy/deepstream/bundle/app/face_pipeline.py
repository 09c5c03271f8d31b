"""The bundle's pipeline, as pyservicemaker builds it.

    nvurisrcbin xN -> nvstreammux -> nvinfer detector [-> nvtracker] -> nvdspreprocess crops -> nvinfer embedder
        -> fakesink, or -> nvmultistreamtiler -> nvvideoconvert -> nvdsosd -> a window

Never run: there is no DeepStream where this was written. The calls are those of its bindings' sources at 9.1.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emitted_bundle import TRACKER_LIBRARY, EmittedBundle
from face_error import FAILED, FaceAppError

EMBEDDER = "embedder"
"""The element behind which everything of a face is known."""

_CUDA_DEVICE = 2  # nvbuf-memory-type: where the aligner can read frames
_PUSH_TIMEOUT = 40000  # microseconds that the mux waits for the other sources
_TILES = (1280, 720)


@dataclass(frozen=True)
class Layout:
    """What is run: URIs of sources, the size in pixels that all frames are brought to, and what becomes of them."""

    uris: tuple[str, ...]
    width: int
    height: int
    live: bool = False
    tracked: bool = True
    shown: bool = False


def build(maker: Any, bundle: EmittedBundle, layout: Layout) -> Any:
    """Build the pipeline with `maker`, pyservicemaker; raises `FaceAppError` for what it cannot make."""
    pipeline = maker.Pipeline("faces")
    chain = [*_inference(bundle, layout), *_end(layout)]
    for kind, name, properties in chain:
        _add(pipeline, kind, name, properties)
    pipeline.link(*(name for _, name, _ in chain))
    # Pads of the mux are asked for here, in order, so that stream i is source i.
    for index, uri in enumerate(layout.uris):
        _add(pipeline, "nvurisrcbin", f"source{index}", {"uri": uri})
        pipeline.link((f"source{index}", "mux"), ("", "sink_%u"))
    return pipeline


def _add(pipeline: Any, kind: str, name: str, properties: dict[str, Any]) -> None:
    try:
        pipeline.add(kind, name, properties)
    except RuntimeError as error:  # which does not say what it is about
        raise FaceAppError(f"{kind} cannot be made: {error}", FAILED) from error


Elements = Sequence[tuple[str, str, dict[str, Any]]]


def _inference(bundle: EmittedBundle, layout: Layout) -> Elements:
    mux = {
        "batch-size": len(layout.uris),
        "width": layout.width,
        "height": layout.height,
        "batched-push-timeout": _PUSH_TIMEOUT,
        "live-source": layout.live,
        "nvbuf-memory-type": _CUDA_DEVICE,
    }
    return [
        ("nvstreammux", "mux", mux),
        ("nvinfer", "detector", {"config-file-path": bundle.detector_config}),
        *(_tracker(bundle) if layout.tracked else ()),
        ("nvdspreprocess", "crops", {"config-file": bundle.crops_config}),
        ("nvinfer", EMBEDDER, {"config-file-path": bundle.embedder_config}),
    ]


def _tracker(bundle: EmittedBundle) -> Elements:
    size = {"tracker-width": 640, "tracker-height": 384}
    files = {"ll-lib-file": TRACKER_LIBRARY, "ll-config-file": bundle.tracker_config}
    return [("nvtracker", "tracker", {**size, **files})]


def _end(layout: Layout) -> Elements:
    if not layout.shown:
        return [("fakesink", "sink", {"sync": False, "async": False})]
    window = "nv3dsink" if platform.machine() == "aarch64" else "nveglglessink"
    width, height = _TILES
    return [
        ("nvmultistreamtiler", "tiler", {"width": width, "height": height}),
        ("nvvideoconvert", "convert", {}),
        ("nvdsosd", "osd", {"display-mask": False}),  # otherwise landmarks are drawn as if they were a mask
        (window, "sink", {"sync": not layout.live}),
    ]
