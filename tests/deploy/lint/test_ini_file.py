from __future__ import annotations

import pytest

from batchproof.deploy.lint.document import Entry, Section, UnreadableError
from batchproof.deploy.lint.ini_file import looks_like_ini, read_ini


def test_keys_belong_to_the_group_above_them_and_have_their_line() -> None:
    text = "# a comment\n\n[property]\r\n gpu-id = 0\n[class-attrs-all]\ntopk=3;\n"
    assert read_ini(text) == (
        Section("property", 3, (Entry("gpu-id", "0", 4),)),
        Section("class-attrs-all", 5, (Entry("topk", "3;", 6),)),
    )


def test_a_hash_behind_a_value_is_part_of_it_and_an_equals_sign_too() -> None:
    (section,) = read_ini("[tests]\nname=a=b # c\n")
    assert section.text("name") == "a=b # c"


def test_groups_of_one_name_are_one_and_the_last_of_equal_keys_counts() -> None:
    sections = read_ini("[a]\nx=1\n[b]\n[a]\nx=2\n")
    assert [section.name for section in sections] == ["a", "b"]
    assert sections[0].text("x") == "2"
    assert sections[0].text("y", "3") == "3"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[a]\nwords\n", 2, "no key=value"),
        ("x=1\n[a]\n", 1, "before the first group"),
        ("[a]\n=1\n", 2, "no key"),
        ("[a]\n" + "x=1\n" * 5000, 5001, "more than 5000 keys"),
    ],
)
def test_what_gkeyfile_refuses_is_refused_with_its_line(text: str, line: int, told: str) -> None:
    with pytest.raises(UnreadableError, match=told) as caught:
        read_ini(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [("# c\n\n [property]\nx=1", True), ("[property]", True), ("x=1\n[property]", False), ("[link](url)\n", False)],
)
def test_the_first_line_that_is_no_comment_tells_an_ini_file(text: str, expected: bool) -> None:
    assert looks_like_ini(text) is expected
