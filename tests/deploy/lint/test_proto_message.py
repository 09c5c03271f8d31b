from __future__ import annotations

import pytest

from batchproof.deploy.lint.document import UnreadableError
from batchproof.deploy.lint.proto_message import Message, Scalar, read_message

TEXT = r"""
name: "a" 'b' # two texts
dims: [ -1, - 3 ]
input [ { name: "x\n\x41\101\u00e9\\" }, < name: '"' > ];
input { name: "z" },
"""


def test_messages_keep_the_order_and_the_lines_of_their_fields() -> None:
    message = read_message(TEXT)
    assert [(field.name, field.line) for field in message.fields] == [
        ("name", 2),
        ("dims", 3),
        ("dims", 3),
        ("input", 4),
        ("input", 4),
        ("input", 5),
    ]
    assert message.text("name") == "ab"
    assert message.texts("dims") == ["-1", "-3"]
    assert [one.text("name") for one in message.messages("input")] == ["x\nAAé\\", '"', "z"]
    assert [field.listed for field in message.fields] == [False, True, True, True, True, False]


def test_what_is_missing_is_the_default_and_stands_where_its_message_does() -> None:
    message = read_message("\nstep {\n}\n").message("step")
    assert message == Message((), 2)
    assert (message.text("name", "none"), message.line_of("name"), message.has("name")) == ("none", 2, False)


def test_of_several_the_last_one_counts() -> None:
    message = read_message("a: 1\na: 2")
    assert (message.text("a"), message.line_of("a")) == ("2", 2)
    assert message.values("a") == [Scalar("1", False, 1), Scalar("2", False, 2)]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a: 1\nb 2", 2, "b has no : before its value"),
        ("a: 1,,", 1, "has , where a field is expected"),
        ("a: [ 1, ]", 1, "a has no value"),
        ("a: [ 1", 1, "the list of a is not closed"),
        ("a: [ 1 2 ]", 1, "the list of a is not closed"),
        ("a {\n  b: 1\n", 1, "a is not closed"),
        ("1: 2", 1, "has 1 where a field is expected"),
        ('"a": 2', 1, "where a field is expected"),
        (r'a: "\q"', 1, 'has " where a field is expected'),
        (r'a: "\xff"', 1, "has a text that is no UTF-8"),
        (r'a: "\ud800"', 1, "has a text that is no UTF-8"),
        (r'a: "\U00110000"', 1, 'has " where a field is expected'),
        ("a <\n" * 50, 33, "too many messages"),
    ],
)
def test_what_is_no_protobuf_text_is_refused_with_its_line(text: str, line: int, told: str) -> None:
    with pytest.raises(UnreadableError, match=told.replace("(", r"\(")) as caught:
        read_message(text)
    assert caught.value.line == line
