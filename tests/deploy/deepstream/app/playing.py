"""Pipelines of the stand-in that play something, and what is done with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from face_pipeline import Layout
from tests.deploy.deepstream.app.service_maker_stand_in import BatchMetadata, Frame, Pipeline

URIS = ("file:///a.mp4", "rtsp://camera", "file:///c.mp4")


def three(_: Pipeline) -> Iterator[BatchMetadata]:
    for number in range(3):
        yield BatchMetadata(Frame(frame_number=number))


def taking(numbers: list[int], enough: int = 99) -> Any:
    def take(batch: BatchMetadata) -> bool:
        numbers.extend(frame.frame_number for frame in batch.frame_items)
        return len(numbers) < enough

    return take


def layout(**changes: Any) -> Layout:
    return Layout(**{"uris": URIS, "width": 1280, "height": 720, **changes})
