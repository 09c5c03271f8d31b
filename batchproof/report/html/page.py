"""The page: its head, its sections in the order of the work, and nothing that is loaded from anywhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.artifacts import artifacts
from batchproof.report.html.chain import chain
from batchproof.report.html.defects import defects
from batchproof.report.html.engines import engines
from batchproof.report.html.figures import half_precision, isolation, parity
from batchproof.report.html.markup import Markup, element, internal, section
from batchproof.report.html.models import models
from batchproof.report.html.overlays import overlays
from batchproof.report.html.overview import headline, overview
from batchproof.report.html.provenance import provenance
from batchproof.report.html.similarity import similarity
from batchproof.report.html.speed import speed
from batchproof.report.html.spread import spread
from batchproof.report.html.store_files import StoreFiles

_STYLE = Path(__file__).with_name("report.css")
_SECTIONS: dict[str, Callable[[Manifest, StoreFiles], Markup]] = {
    "Summary": overview,
    "Models": models,
    "The proof, before and after surgery": defects,
    "Does a neighbour change a row?": isolation,
    "Parity with insightface": parity,
    "From frame to cosine, stage by stage": chain,
    "The faces": overlays,
    "Who looks like whom": similarity,
    "What FP16 costs": half_precision,
    "Errors of single faces": spread,
    "Engines": engines,
    "Speed": speed,
    "Every verdict": artifacts,
    "Environment and provenance": provenance,
}


def render(manifest: Manifest, root: Path, *, pictures: bool = True) -> str:
    """Render the report of the store at `root`, to be written into that folder: its links are relative.

    The same store gives the same text. A section about which the store knows nothing is left out. Without `pictures`,
    faces are drawn on empty ground, for a report that others may see.
    """
    files = StoreFiles(root, pictures)
    found = {title: build(manifest, files) for title, build in _SECTIONS.items()}
    shown = {title: content for title, content in found.items() if content}
    navigation = element("nav", *(internal(title, "section", title) for title in shown))
    sections = (section(title, content) for title, content in shown.items())
    body = element("body", headline(manifest), navigation, element("main", *sections))
    return f"<!DOCTYPE html>\n{element('html', _head(manifest.pack), body, lang='en')}\n"


def _head(pack: str) -> Markup:
    style = _STYLE.read_text(encoding="utf-8")
    return element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("link", rel="icon", href="data:,"),
        element("title", f"{pack}: Batchproof report"),
        element("style", Markup(style)),
    )


def _policy(style: str) -> str:
    """Allow this style sheet and nothing else: no script, no connection, no form, whatever a name may hold."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
