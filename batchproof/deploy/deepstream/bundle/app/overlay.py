"""Landmarks and names, drawn into the frames on their way to the window. Never run, as face_pipeline.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from face_record import FaceRecord, Floats
from pipeline_run import service_maker

_RADIUS = 3
_FONT_SIZE = 12
_GREEN, _BLACK = (0.0, 1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)


def draw(batch: Any, records: Sequence[FaceRecord]) -> None:
    """Add to each frame of `batch` what `records` know of its faces."""
    osd = service_maker().osd
    for frame in batch.frame_items:
        for record in records:
            if (record.stream, record.frame) == (frame.source_id, frame.frame_number):
                # One for each face: a display meta holds no more than 16 of a kind.
                display = batch.acquire_display_meta()
                _add(osd, display, record)
                frame.append(display)


def _add(osd: Any, display: Any, record: FaceRecord) -> None:
    for point in () if record.landmarks is None else record.landmarks:
        if min(point) >= 0:
            display.add_circle(_circle(osd, point))
    if record.matches:
        best = record.matches[0]
        display.add_text(_text(osd, f"{best.name} {best.cosine:.2f}", record.box))


def _circle(osd: Any, point: Floats) -> Any:
    circle = osd.Circle()
    circle.xc, circle.yc, circle.radius = int(point[0]), int(point[1]), _RADIUS
    circle.color = osd.Color(*_GREEN)
    return circle


def _text(osd: Any, label: str, box: Floats) -> Any:
    text = osd.Text()
    text.display_text = label.encode("ascii", "replace")
    text.x_offset, text.y_offset = max(int(box[0]), 0), max(int(box[1]) - 2 * _FONT_SIZE, 0)
    text.font.name, text.font.size, text.font.color = osd.FontFamily.Serif, _FONT_SIZE, osd.Color(*_GREEN)
    text.set_bg_color, text.bg_color = True, osd.Color(*_BLACK)
    return text
