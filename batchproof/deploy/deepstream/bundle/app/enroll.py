"""Makes a gallery of pictures of people, NAME/*.jpg: through the pipeline, engines and alignment that will see them.

Each picture is a source of one frame, of its own size. Its only face is enrolled; a picture with none or several is
refused. Needs what face_app.py needs; pictures are decoded by DeepStream. Never run there, as face_app.py says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from command_line import enroll_parser
from emitted_bundle import EmittedBundle
from face_error import FAILED, FaceAppError, ended, say
from face_pipeline import Layout
from face_reader import FaceReader
from face_record import FaceRecord
from gallery import Gallery
from picture_file import Picture, find_pictures
from pipeline_run import run

NAME = "enroll"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the gallery; return the exit status. Raises `FaceAppError`."""
    options = enroll_parser(NAME, __doc__ or "").parse_args(arguments)
    bundle = EmittedBundle.read(options.bundle)
    model = bundle.require_known_model()
    pictures = find_pictures(options.people)
    enrolled, refused = [], 0
    for batch in batches(pictures, bundle.streams):
        for picture, faces in zip(batch, _seen(bundle, batch, options.patience), strict=True):
            face = chosen(faces, largest=options.largest)
            if isinstance(face, FaceRecord):
                enrolled.append((picture.name, face.embedding))
            else:
                refused += 1
                say(NAME, f"refused: {picture.path} {face}")
    if not enrolled:
        raise FaceAppError("no picture can be enrolled")
    names, embeddings = zip(*enrolled, strict=True)
    Gallery(names, np.stack(embeddings), model, bundle.manifest_sha256).write(options.output)
    say(NAME, f"{options.output}: {len(names)} pictures of {len(set(names))} people, {refused} refused")
    return FAILED if refused else 0


def batches(pictures: Sequence[Picture], streams: int) -> Iterator[list[Picture]]:
    """Put pictures of one size together, no more than `streams`: the mux brings all its sources to one size."""

    def size(picture: Picture) -> tuple[int, int]:
        return picture.width, picture.height

    for _, alike in groupby(sorted(pictures, key=size), size):
        together = list(alike)
        for start in range(0, len(together), streams):
            yield together[start : start + streams]


def _seen(bundle: EmittedBundle, pictures: Sequence[Picture], patience: float) -> list[list[FaceRecord] | None]:
    """Run pictures of one size through the pipeline; return the faces of each, None where no frame came."""
    reader = FaceReader(bundle.embedder_id, bundle.embedding)
    found: list[list[FaceRecord] | None] = [None] * len(pictures)

    def take(batch: object) -> bool:
        for stream, faces in reader.read_frames(batch):
            if found[stream] is None:
                found[stream] = faces
        return True

    uris = tuple(picture.path.resolve().as_uri() for picture in pictures)
    # Without the tracker: it could only take faces away, and no face comes twice.
    layout = Layout(uris, pictures[0].width, pictures[0].height, tracked=False)
    run(bundle, layout, take, patience=patience)
    return found


def chosen(faces: Sequence[FaceRecord] | None, *, largest: bool) -> FaceRecord | str:
    """Return the face to enrol, or why there is none."""
    if faces is None:
        return "gave no frame: DeepStream cannot decode it"
    if not faces:
        return "has no face"
    if len(faces) > 1 and not largest:
        return f"has {len(faces)} faces: crop it to one, or take the largest with --largest"
    face = max(faces, key=lambda face: (_area(face), face.score or 0))
    if face.embedding is None:
        return "has a face without an embedding: it is too small, or without landmarks"
    return face


def _area(face: FaceRecord) -> float:
    left, top, right, bottom = face.box.tolist()
    return float((right - left) * (bottom - top))


if __name__ == "__main__":
    # Not sys.exit, as in face_app.py.
    os._exit(ended(NAME, main))
