"""HTML as a value: what is `Markup` has been escaped, everything else is text and will be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

from batchproof.errors import printable
from batchproof.report.plain_text import plain_text

_WITHOUT_END = frozenset({"meta", "link", "img"})


class Markup(str):
    """Text that is HTML already. Joined with plain text it is plain text again, and so escaped once more."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """Build one element; children and attributes that are no `Markup` are escaped.

    An attribute is named as in HTML with `_` for `-`, and with one at the end where Python has the word: `class_`.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_escaped(value)}"' for name, value in attributes.items()
    )
    if tag in _WITHOUT_END:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{joined(children)}</{tag}>")


def joined(parts: Iterable[str]) -> Markup:
    """Join text and elements, without anything in between."""
    return Markup("".join(part if isinstance(part, Markup) else _escaped(part) for part in parts))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], class_: str = "stacked") -> Markup:
    """Build a table; where the page is narrow each cell of a `stacked` one stands below the next, with its head."""
    head = element("tr", *(element("th", name, scope="col") for name in heads))
    body = (
        element("tr", *(element("td", cell, data_head=name) for name, cell in zip(heads, row, strict=True)))
        for row in rows
    )
    built = element("table", element("thead", head), element("tbody", *body), class_=class_)
    return element("div", built, class_="scroll")


def unbroken(text: str) -> Markup:
    """Keep a figure and its sign or unit on one line."""
    return element("span", text, class_="unbroken")


def section(title: str, *content: str) -> Markup:
    """Build a section of the page that links can name."""
    return element("section", element("h2", title), *content, id=anchor("section", title))


def folded(summary: str, *content: str, **attributes: str) -> Markup:
    """Build what is shown when its summary is opened, and on paper."""
    return element("details", element("summary", summary), *content, **attributes)


def anchor(kind: str, name: str) -> str:
    """Return an id for whatever text: letters, digits and per cent signs."""
    return f"{kind}-{quote(printable(name), safe='')}"


def internal(text: str, kind: str, name: str) -> Markup:
    """Link to what has the `anchor` of `kind` and `name` on this page."""
    return element("a", text, href=reference(kind, name))


def reference(kind: str, name: str) -> str:
    """Return what refers to that `anchor` from the same page."""
    return f"#{quote(anchor(kind, name))}"


def _escaped(text: str) -> str:
    return text if isinstance(text, Markup) else escape(plain_text(text))
