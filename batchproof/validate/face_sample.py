"""Faces by their boxes, which landmark and attribute networks are compared on, and the verdict on the worst of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Detections, DetectionSettings
from batchproof.pipeline.letterbox import Letterboxed, letterbox
from batchproof.pipeline.nms import Boxes
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import Picture
from batchproof.pipeline.upright import has_extent
from batchproof.validate.oracle import OracleDetector
from batchproof.verdict import Verdict, at_most


@dataclass(frozen=True)
class BoxedFace:
    """One face: its name for witnesses, `t1.jpg face 0`, its picture, and its box `[4]`, float32, in picture pixels."""

    name: str
    pixels: Pixels
    box: Boxes


@dataclass(frozen=True)
class FaceSample:
    """The faces that two models are compared on; `told` says where they come from, or why there are none."""

    faces: tuple[BoxedFace, ...]
    told: str

    @property
    def pictures(self) -> list[Pixels]:
        """The picture of each face, once for each face."""
        return [face.pixels for face in self.faces]

    @property
    def boxes(self) -> list[Boxes]:
        """The box of each face, `[1, 4]`."""
        return [face.box[None] for face in self.faces]

    def worst(
        self,
        check: str,
        subject: str,
        amounts: NDArray[np.floating | np.integer],
        limit: float,
        reason: str,
        unit: str = "",
    ) -> Verdict:
        """Judge the largest of `amounts`, `[n]`, one a face; that face is the witness unless it is 0. NaN fails."""
        worst = int(amounts.argmax())
        witness = self.faces[worst].name if amounts[worst] else None
        return at_most(check, subject, float(amounts[worst]), limit, reason, unit=unit, witness=witness)


def found_faces(
    pictures: Sequence[Picture], finder: OracleDetector, detection: DetectionSettings, most: int
) -> FaceSample:
    """Take the first `most` faces that insightface's detector finds; boxes may reach beyond their picture.

    Those without extent are left out and counted: there is nothing to cut out.
    """
    found = [finder.observe(picture.pixels, detection).detections for picture in pictures]
    total = sum(len(detections) for detections in found)
    faces = [face for picture, detections in zip(pictures, found, strict=True) for face in _boxed(picture, detections)]
    flat = total - len(faces)
    source = f"in the {len(pictures)} pictures" + (f", {flat} boxes without extent left out" if flat else "")
    if not faces:
        return FaceSample((), f"insightface finds no face {source}")
    taken = f"{most} of {len(faces)}" if len(faces) > most else f"{len(faces)}"
    return FaceSample(tuple(faces[:most]), f"{taken} faces that insightface finds {source}")


def whole_pictures(pictures: Sequence[Picture], detection: DetectionSettings) -> FaceSample:
    """Take every picture as one face: enough to compare a network's arithmetic when no face is known.

    Pictures have the size that they would be searched at, for what a point moves grows with its face.
    """
    boxed = [letterbox(picture.pixels, detection.height, detection.width) for picture in pictures]
    faces = [_whole(picture, box) for picture, box in zip(pictures, boxed, strict=True)]
    return FaceSample(tuple(faces), f"{len(faces)} whole pictures")


def _whole(picture: Picture, boxed: Letterboxed) -> BoxedFace:
    height, width = picture.pixels.shape[:2]
    box = np.array([0, 0, width * boxed.scale, height * boxed.scale], np.float32)
    return BoxedFace(f"{picture.name} whole", boxed.pixels, box)


def _boxed(picture: Picture, detections: Detections) -> list[BoxedFace]:
    usable = np.flatnonzero(has_extent(detections.boxes))
    return [BoxedFace(f"{picture.name} face {index}", picture.pixels, detections.boxes[index]) for index in usable]
