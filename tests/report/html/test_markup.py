from __future__ import annotations

import pytest

from batchproof.report.html.markup import Markup, anchor, element, internal, joined, table
from tests.report.html.document import parsed

HOSTILE = ["</td><script>alert(1)</script>", "\" onload='x' a=\"", "a\nb\x00\x1b[31m", "&lt;b&gt;", "\ud800", "人脸 öä"]


def shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_element_nor_its_attribute(text: str) -> None:
    (node,) = parsed(element("p", text, title=text)).children
    assert (node.tag, node.text, node.attributes, node.children) == ("p", shown(text), {"title": shown(text)}, [])


def test_elements_inside_elements_are_not_escaped_again() -> None:
    built = element("p", "1 < 2 ", element("b", "&"), class_="a", data_head="b")
    assert built == '<p class="a" data-head="b">1 &lt; 2 <b>&amp;</b></p>'
    assert joined([element("b", "x"), "<"]) == "<b>x</b>&lt;"
    assert element("p", Markup("<b>") + "<i>") == "<p>&lt;b&gt;&lt;i&gt;</p>"


def test_a_table_has_its_heads_above_and_in_each_cell() -> None:
    root = parsed(table(("a", "<b>"), [("1", "2"), ("3", "4")]))
    assert [head.text for head in root.all("th")] == ["a", "<b>"]
    assert [(cell.attributes["data-head"], cell.text) for cell in root.all("td")] == [
        ("a", "1"), ("<b>", "2"), ("a", "3"), ("<b>", "4"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_link_leads_to_its_anchor(text: str) -> None:
    from urllib.parse import unquote

    (link,) = parsed(internal("x", "artifact", text)).children
    assert unquote(link.attributes["href"]) == f"#{anchor('artifact', text)}"
    assert anchor("artifact", text).isascii()
    assert " " not in anchor("artifact", text)


def test_different_names_have_different_anchors() -> None:
    assert len({anchor("artifact", text) for text in ["a b", "a%20b", "a-b", "A b"]}) == 4
