from __future__ import annotations

import pytest

from batchproof.deploy.lint.document import Entry, Section, UnreadableError
from batchproof.deploy.lint.yaml_file import looks_like_yaml, read_yaml

BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


def test_mappings_become_sections_with_lines_and_lists_are_joined() -> None:
    text = "property:\n  gpu-id: 0 # a comment\n  offsets: 127.5;1\n  ids: [1, 2]\nname: x\n"
    entries = (Entry("gpu-id", "0", 2), Entry("offsets", "127.5;1", 3), Entry("ids", "1;2", 4))
    assert read_yaml(text) == (Section("property", 1, entries),)


def test_the_directive_in_opencvs_spelling_is_passed_over() -> None:
    (section,) = read_yaml("# c\n%YAML:1.0\nBaseConfig:\n  x: 1\n")
    assert section == Section("BaseConfig", 3, (Entry("x", "1", 4),))


def test_an_alias_bomb_costs_no_more_than_its_text() -> None:
    (section,) = read_yaml(f"{BOMB}property:\n  x: *u\n")
    assert section.entries == (Entry("x", ";", 23),)


@pytest.mark.parametrize("text", ["a: [", "a: " + "[" * 5000, "- a\n", "property:\n\t- x: 1\n"])
def test_what_is_no_mapping_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_yaml(text)


def test_tags_make_no_objects() -> None:
    (section,) = read_yaml("property:\n  x: !!python/object/apply:os.system ['false']\n")
    assert section.text("x") == "false"


def test_what_is_too_long_is_not_taken_for_yaml() -> None:
    assert looks_like_yaml("property:\n")
    assert not looks_like_yaml("property:\n" + "#" * 2**17)
