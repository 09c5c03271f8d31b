from __future__ import annotations

import pytest

from batchproof.deploy.lint.document import Section, UnreadableError
from batchproof.deploy.lint.proto_text import looks_like_nvinferserver, read_proto_text

TEXT = """\
# a comment
infer_config {
  unique_id: 5, gpu_ids: [0, 1]
  backend: < inputs: [ { name: "a b" }, { name: 'c' } ] >
  postprocess { other {} }
}
"""


def named(text: str) -> dict[str, list[Section]]:
    found: dict[str, list[Section]] = {}
    for section in read_proto_text(text):
        found.setdefault(section.name, []).append(section)
    return found


def test_messages_are_named_by_their_path_and_repeated_ones_are_there_as_often() -> None:
    found = named(TEXT)
    config = found["infer_config"][0]
    assert (config.text("unique_id"), config.line, config.entries[0].line) == ("5", 2, 3)
    assert [entry.value for entry in config.like("gpu_ids")] == ["0", "1"]
    assert [section.text("name") for section in found["infer_config.backend.inputs"]] == ["a b", "c"]
    assert [entry.key for entry in found["infer_config.postprocess"][0].entries] == ["other"]
    assert [entry.key for entry in found[""][0].entries] == ["infer_config"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a {", "is not closed"),
        ("a: }", "has no value"),
        ("}", "where a field is expected"),
        ("a: [1, ", "has no value"),
        ('a: "b\n"', "where a field is expected"),
        ("a {" * 100, "too many messages"),
        ("a { b: 1 >", "where a field is expected"),
    ],
)
def test_what_is_no_protobuf_text_is_unreadable(text: str, told: str) -> None:
    with pytest.raises(UnreadableError, match=told):
        read_proto_text(text)


def test_a_line_that_opens_infer_config_tells_nvinferserver() -> None:
    assert looks_like_nvinferserver(TEXT)
    assert looks_like_nvinferserver("infer_config: {")
    assert not looks_like_nvinferserver('about: "infer_config {"')
