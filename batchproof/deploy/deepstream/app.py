"""The configuration of deepstream-app. As INI alone: its YAML reader knows no [secondary-pre-process]."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePosixPath

from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.key_file import Group, Key
from batchproof.deploy.deepstream.nvinfer import FACE_CLASS
from batchproof.deploy.deepstream.plan import DETECTOR_ID, BundlePlan, Secondary

SAMPLE = "file:///opt/nvidia/deepstream/deepstream/samples/streams/sample_1080p_h264.mp4"
_FRAME = (1920, 1080)
_TILES = (1280, 720)
_CUDA_DEVICE = 2


def app_groups(plan: BundlePlan) -> tuple[Group, ...]:
    """Configure the whole pipeline: sources, detector, tracker, crops, models on faces, and what becomes of it."""
    return (
        Group("application", (Key("enable-perf-measurement", 1), Key("perf-measurement-interval-sec", 5))),
        _tiles(plan.streams),
        *(_source(index) for index in range(plan.streams)),
        _mux(plan.streams),
        _detector(plan),
        _tracker(),
        *(_preprocess(secondary) for secondary in plan.secondaries),
        *(_secondary(secondary) for secondary in plan.secondaries),
        _osd(),
        *_sinks(),
        Group("tests", (Key("file-loop", 0),)),
    )


def _tiles(streams: int) -> Group:
    columns = math.ceil(math.sqrt(streams))
    width, height = _TILES
    rows = math.ceil(streams / columns)
    return Group("tiled-display", tuple(_keys(enable=1, rows=rows, columns=columns, width=width, height=height)))


def _source(index: int) -> Group:
    return Group(
        f"source{index}", (Key("enable", 1), Key("type", 3), Key("uri", SAMPLE, "yours, for example rtsp://..."))
    )


def _mux(streams: int) -> Group:
    width, height = _FRAME
    return Group(
        "streammux",
        (
            Key("live-source", 0, "1 for cameras"),
            Key("batch-size", streams, "one frame of every source"),
            Key("batched-push-timeout", 40000, "microseconds"),
            Key("width", width, "every frame is scaled to this; nvinfer scales again"),
            Key("height", height),
            Key("enable-padding", 0),
            Key("nvbuf-memory-type", _CUDA_DEVICE, "the aligner reads frames from the memory of the GPU"),
        ),
    )


def _detector(plan: BundlePlan) -> Group:
    return Group(
        "primary-gie",
        (
            Key("enable", 1),
            Key("gie-unique-id", DETECTOR_ID),
            Key("batch-size", plan.streams),
            Key("interval", 0),
            Key("config-file", _local(f"{paths.detector_config(plan.detector)}.txt")),
        ),
    )


def _tracker() -> Group:
    return Group(
        "tracker",
        (
            Key("enable", 1),
            Key("tracker-width", 640),
            Key("tracker-height", 384),
            Key("ll-lib-file", paths.TRACKER_LIBRARY),
            Key("ll-config-file", _local(paths.TRACKER)),
            Key("display-tracking-id", 1),
        ),
    )


def _preprocess(secondary: Secondary) -> Group:
    return Group(
        f"secondary-pre-process{secondary.index}",
        (
            Key("enable", 1),
            Key("operate-on-gie-id", DETECTOR_ID, "without it the element is not created, and nothing is said"),
            Key("config-file", _local(paths.preprocess_config(secondary.model))),
        ),
    )


def _secondary(secondary: Secondary) -> Group:
    return Group(
        f"secondary-gie{secondary.index}",
        (
            Key("enable", 1),
            Key("gie-unique-id", secondary.gie_id),
            Key("operate-on-gie-id", DETECTOR_ID),
            Key("operate-on-class-ids", FACE_CLASS),
            Key("batch-size", secondary.model.largest_batch),
            Key("input-tensor-meta", 1),
            Key("config-file", _local(f"{paths.secondary_config(secondary.model)}.txt")),
        ),
    )


def _osd() -> Group:
    mask = Key("display-mask", 0, "otherwise landmarks are drawn as if they were a mask")
    return Group("osd", (Key("enable", 1), Key("display-bbox", 1), Key("display-text", 1), mask))


def _sinks() -> Iterator[Group]:
    yield Group("sink0", (Key("enable", 1), Key("type", 1, "no output: nothing but speed is shown"), Key("sync", 0)))
    file = (Key("enable", 0, "1 writes a film"), Key("type", 3), Key("container", 1), Key("codec", 1), Key("sync", 0))
    yield Group("sink1", (*file, Key("output-file", "faces.mp4")))


def _keys(**values: int) -> Iterator[Key]:
    return (Key(name, value) for name, value in values.items())


def _local(path: str) -> str:
    return PurePosixPath(path).name
