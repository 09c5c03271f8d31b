"""The stand-in under the name of the real thing, for scripts that run as processes of their own."""

from __future__ import annotations

from collections.abc import Iterator

from tests.deploy.deepstream.app.service_maker_stand_in import (
    BatchMetadata,
    BatchMetadataOperator,
    Face,
    Frame,
    Pipeline,
    Probe,
    osd,
)

__all__ = ["BatchMetadataOperator", "Pipeline", "Probe", "osd"]


def _three_frames(_: Pipeline) -> Iterator[BatchMetadata]:
    for number in range(3):
        yield BatchMetadata(Frame([Face()], frame_number=number))


Pipeline.play = staticmethod(_three_frames)
