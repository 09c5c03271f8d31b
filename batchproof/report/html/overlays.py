"""The pictures with the faces in them: insightface's, and those of the batch drawn over them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Container, Iterator, Mapping, Sequence

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.chain_files import chain_files
from batchproof.report.html.markup import Markup, anchor, element, folded, joined, reference
from batchproof.report.html.store_files import StoreFiles
from batchproof.validate.chain.chain_file import ChainFile, FoundFace, PictureFaces
from batchproof.validate.thumbnails import CHECK as PICTURES

_ABOUT = (
    "Wide lines: insightface on one picture at a time. Narrow broken lines: the batched model; where they agree, they "
    "lie upon each other. Dots: landmarks."
)
# A picture by its place among all: two may have the same name once it can be printed.
_Place = tuple[int, str]


def overlays(manifest: Manifest, files: StoreFiles) -> Markup:
    """Draw the faces of each detector into every picture, or on empty ground where the store has no pictures."""
    detectors = [seen for seen in chain_files(manifest, files) if seen.subject.startswith(f"{seen.detector}.")]
    if not detectors:
        return Markup("")
    thumbnails = dict(_thumbnails(manifest, files))
    drawn = (_detector(seen, thumbnails) for seen in detectors)
    return joined([element("p", _ABOUT, class_="about"), _definitions(thumbnails), *drawn])


def _definitions(thumbnails: Mapping[_Place, str]) -> Markup:
    """Embed each picture once, one unit wide and high, for all drawings to refer to."""
    size = {"width": "1", "height": "1", "preserveAspectRatio": "none"}
    images = (
        element("image", id=anchor("picture", str(place)), href=f"data:image/jpeg;base64,{jpeg}", **size)
        for (place, _), jpeg in thumbnails.items()
    )
    return element("svg", element("defs", *images), class_="definitions", aria_hidden="true")


def _thumbnails(manifest: Manifest, files: StoreFiles) -> Iterator[tuple[_Place, str]]:
    """Yield the place of each picture and its JPEG in base 64; none where pictures are not wanted."""
    records = (record for record in manifest.records if record.check == PICTURES and files.pictures)
    for record in records:
        for place, (name, made) in enumerate(zip(record.notes.get("names", ()), record.artifacts, strict=False)):
            if files.holds(made.path):
                yield (place, str(name)), b64encode((files.root / made.path).read_bytes()).decode()


def _detector(seen: ChainFile, thumbnails: Container[_Place]) -> Markup:
    errors, pictures = seen.seen.errors, seen.seen.pictures
    original = sum(picture.original_count for picture in pictures)
    others = sum(picture.batched_count for picture in pictures) - len(errors.box)
    found = f"{len(errors.box)} of insightface's {original} faces found again, {others} others"
    moves = f"; furthest box {max(errors.box):.2g} px" if errors.box else ""
    drawn = (_picture(place, picture, (place, picture.name) in thumbnails) for place, picture in enumerate(pictures))
    return folded(joined([element("b", seen.subject), f": {found}{moves}"]), element("div", *drawn, class_="overlays"))


def _picture(place: int, picture: PictureFaces, shown: bool) -> Markup:
    width, height = picture.width, picture.height
    label = f"{picture.name}: faces of insightface {picture.original_count}, of the batch {picture.batched_count}"
    if len(picture.original) < picture.original_count or len(picture.batched) < picture.batched_count:
        label += f"; drawn are the best {max(len(picture.original), len(picture.batched))}"
    ground = element("use", href=reference("picture", str(place)), transform=f"scale({width} {height})")
    drawing = element(
        "svg",
        ground if shown else "",
        *_faces(picture.original, "original"),
        *_faces(picture.batched, "batched"),
        class_="overlay",
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
    )
    return element("figure", drawing, element("figcaption", label))


def _faces(faces: Sequence[FoundFace], whose: str) -> Iterator[Markup]:
    """Draw all boxes as one path and all landmarks as another: crowds have hundreds."""
    edges = (face.box for face in faces)
    boxes = "".join(f"M{left:g} {top:g}H{right:g}V{bottom:g}H{left:g}z" for left, top, right, bottom in edges)
    points = "".join(f"M{x:g} {y:g}h0" for face in faces for x, y in face.landmarks)
    for kind, path in (("boxes", boxes), ("points", points)):
        if path:
            yield element("path", class_=f"{kind} {whose}", d=path)
