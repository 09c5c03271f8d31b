"""Links to the files of a store, from a page that lies in its root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from batchproof.artifacts.manifest import Artifact, Record
from batchproof.report.html.markup import Markup, element, unbroken


@dataclass(frozen=True)
class StoreFiles:
    """What lies in the store at `root`; with `pictures`, what people look like may be shown."""

    root: Path
    pictures: bool = True

    def has(self, path: str) -> bool:
        """Whether a file of the store is there."""
        return (self.root / path).is_file()

    def holds(self, path: str) -> bool:
        """Whether it is there, and lies in the store: what a link leads to elsewhere is nobody's to show."""
        return self.has(path) and (self.root / path).resolve().is_relative_to(self.root.resolve())

    def link(self, path: str, text: str = "") -> Markup:
        """Link to a file of the store by its path there; one that is gone is named, not linked."""
        shown = text or PurePosixPath(path).name
        if not self.has(path):
            return element("span", f"{shown} (gone)", class_="gone")
        return element("a", shown, href=f"./{quote(path)}")

    def links(self, record: Record) -> Markup:
        """Link to all that a step has made, with sizes."""
        return element("span", *(self._sized(artifact) for artifact in record.artifacts), class_="files")

    def kinds(self, record: Record) -> Markup:
        """Link to all that a step has made, by what kind of file it is: the names are those of the step."""
        links = (self.link(made.path, PurePosixPath(made.path).suffix or made.path) for made in record.artifacts)
        return element("span", *links, class_="files")

    def _sized(self, artifact: Artifact) -> Markup:
        return element("span", self.link(artifact.path), " ", size(artifact.bytes))


def size(count: int) -> Markup:
    """Write a number of bytes for people, in decimal units."""
    if count < 1000:
        return unbroken(f"{count} B")
    return unbroken(f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB")
