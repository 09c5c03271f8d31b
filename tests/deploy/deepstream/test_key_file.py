from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from batchproof.deploy.deepstream.key_file import Group, Key, ini, key_list, yaml
from tests.deploy.deepstream.plans import read_ini, read_yaml

GROUPS = (
    Group("property", (Key("scale", 1 / 127.5, "why"), Key("offsets", key_list([127.5, 0.0])), Key("batch-size", 4))),
    Group("class-attrs-all", (Key("minBoxes", 1), Key("custom-lib-path", "../build/a b.so"))),
)


def test_ini_and_yaml_say_the_same() -> None:
    read = read_ini(ini("two\nlines", GROUPS))
    assert read == {
        "property": {"scale": "0.00784313725490196", "offsets": "127.5;0", "batch-size": "4"},
        "class-attrs-all": {"minBoxes": "1", "custom-lib-path": "../build/a b.so"},
    }
    twin = read_yaml(yaml("two\nlines", GROUPS))
    assert {group: {key: str(value) for key, value in keys.items()} for group, keys in twin.items()} == read


def test_a_comment_stands_above_its_key_alone() -> None:
    assert "\n# why\nscale=" in ini("head", GROUPS)
    assert "\n  # why\n  scale: " in yaml("head", GROUPS)


@pytest.mark.parametrize("write", [ini, yaml])
@pytest.mark.parametrize("value", ["a\n[property]", "a\rb", "a\x1b[31m"])
def test_a_value_that_would_end_its_line_is_never_written(
    write: Callable[[str, Sequence[Group]], str], value: str
) -> None:
    with pytest.raises(ValueError, match="more than one line"):
        write("head", [Group("property", (Key("onnx-file", value),))])
