"""Small copies of the pictures that models were measured on, for the report: a store may outlive its pictures."""

from __future__ import annotations

from pathlib import Path

from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.errors import printable

CHECK = "pictures"
# What a report shows at full width on a laptop; a JPEG of it has some 100 kB.
_LONGEST_SIDE, _QUALITY = 960, 80


def thumbnail_step(pack: str, pictures: tuple[Path, ...]) -> Step:
    """Copy every picture, scaled down; the notes have their names in the order of the files."""
    return Step(
        "validate",
        CHECK,
        pack,
        _action,
        produces=tuple(f"validate/pictures/{index:04}.jpg" for index in range(len(pictures))),
        sources=pictures,
        tools=("opencv-python", "opencv-python-headless"),
    )


def _action(workspace: Workspace) -> Outcome:
    from batchproof.pipeline.pictures import read_picture, to_jpeg

    for source, output in zip(workspace.sources, workspace.outputs, strict=True):
        output.write_bytes(to_jpeg(read_picture(source).pixels, _LONGEST_SIDE, _QUALITY))
    return Outcome(notes={"names": [printable(source.name) for source in workspace.sources]})
