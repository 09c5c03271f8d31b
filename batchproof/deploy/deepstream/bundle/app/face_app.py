"""Faces of video streams as lines of JSON, with landmarks, embeddings and names, by this bundle's pipeline.

Runs in DeepStream 7.1 or later with Python's standard library, numpy and pyservicemaker. For earlier ones, and without
Python, there is build/face_app (`make -f app/app.mk`). Never run in DeepStream: in Batchproof's tests, pipeline and
metadata have a stand-in that follows the sources of pyservicemaker at 9.1.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np

from command_line import face_app_parser, uri
from emitted_bundle import EmittedBundle
from face_error import FAILED, FaceAppError, ended, say
from face_pipeline import Layout
from face_reader import FaceReader
from face_record import FaceRecord
from gallery import Gallery
from overlay import draw
from pipeline_run import run

NAME = "face_app"


@dataclass
class Printer:
    """Turns each batch into lines."""

    reader: FaceReader
    lines: TextIO
    gallery: Gallery | None = None
    top_k: int = 1
    threshold: float = 0.5
    with_embeddings: bool = False
    max_frames: int = 0
    shown: bool = False

    def __call__(self, batch: object) -> bool:
        """Write the faces of a batch; whether more frames are wanted."""
        records = self._named(self.reader.read(batch))
        for record in records:
            self.lines.write(record.line(with_embedding=self.with_embeddings) + "\n")
        if self.shown:
            draw(batch, records)
        return not self.max_frames or self.reader.tally.frames < self.max_frames

    def _named(self, records: list[FaceRecord]) -> list[FaceRecord]:
        embeddings = [record.embedding for record in records if record.embedding is not None]
        if self.gallery is None or not embeddings:
            return records
        matches = iter(self.gallery.match(np.stack(embeddings), self.top_k, self.threshold))
        return [record if record.embedding is None else replace(record, matches=next(matches)) for record in records]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the application; return its exit status. Raises `FaceAppError`."""
    options = face_app_parser(NAME, __doc__ or "").parse_intermixed_args(arguments)
    bundle = EmittedBundle.read(options.bundle)
    layout = _layout(options, bundle)
    gallery = None
    if options.gallery:
        gallery = Gallery.read(options.gallery)
        gallery.require_made_by(bundle)
    reader = FaceReader(bundle.embedder_id, bundle.embedding)
    with open_lines(options.output) as lines:
        printer = Printer(
            reader,
            lines,
            gallery,
            options.top_k,
            options.threshold,
            options.embeddings,
            options.max_frames,
            layout.shown,
        )
        run(bundle, layout, printer, patience=options.patience)
    say(NAME, str(reader.tally))
    if not reader.tally.frames:
        raise FaceAppError("no source gave a frame; what the pipeline says of it stands above", FAILED)
    return FAILED if reader.tally.broken else 0


def _layout(options: argparse.Namespace, bundle: EmittedBundle) -> Layout:
    if len(options.sources) > bundle.streams:
        what = f"{len(options.sources)} sources, and this bundle is for {bundle.streams}"
        raise FaceAppError(f"{what}: emit one with --streams {len(options.sources)}")
    uris = tuple(uri(source) for source in options.sources)
    live = options.live or any(source.startswith("rtsp://") for source in uris)
    width, height = options.size
    return Layout(uris, width, height, live=live, shown=not options.headless)


def open_lines(path: Path | None) -> TextIO:
    """Open where lines go, each written at once.

    DeepStream and pyservicemaker print to stdout themselves; from here on that goes to stderr.
    """
    if path is None:
        stdout = os.dup(1)
        os.dup2(2, 1)
        return os.fdopen(stdout, "w", buffering=1, encoding="utf-8")
    try:
        return path.open("w", buffering=1, encoding="utf-8")
    except OSError as error:
        raise FaceAppError(f"{path} cannot be written: {error.strerror}") from error


if __name__ == "__main__":
    # Not sys.exit: threads of GStreamer may be running still, and an interpreter that ends under them crashes.
    os._exit(ended(NAME, main))
