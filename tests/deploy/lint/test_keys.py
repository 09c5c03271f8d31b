from __future__ import annotations

import pytest

from batchproof.deploy.lint.keys import all_keys, key_of, keys_of, nearest
from batchproof.deploy.lint.version import read_version


def test_every_release_in_the_data_is_one_and_what_has_no_effect_says_why() -> None:
    keys = [key for sections in all_keys().values() for section in sections.values() for key in section.values()]
    assert len(keys) > 700
    assert {read_version(key.since) for key in keys if key.since} == {(8, 0), (9, 0), (9, 1)}
    assert all(key.why for key in keys if key.idle)
    assert all(key.names for key in keys if key.type == "name")


def test_every_message_of_nvinferserver_has_its_fields() -> None:
    messages = all_keys()["nvinferserver"]
    for path, fields in messages.items():
        for name, field in fields.items():
            assert (field.type == "message") == (f"{path}.{name}".lstrip(".") in messages), f"{path}.{name}"


@pytest.mark.parametrize(
    ("section", "name", "kind"),
    [
        ("source-list", "list", "texts"),  # not source*
        ("source12", "uri", "text"),
        ("secondary-pre-process3", "config-file", "path"),
        ("primary-gie", "bbox-border-color3", "numbers"),
    ],
)
def test_the_longest_pattern_that_fits_counts(section: str, name: str, kind: str) -> None:
    keys = keys_of("deepstream-app", section)
    key = key_of(keys or {}, name)
    assert key is not None
    assert key.type == kind


def test_a_section_that_no_pattern_fits_is_unknown() -> None:
    assert keys_of("nvinfer", "gallery") is None
    assert keys_of("tracker", "BaseConfig") is None


def test_the_nearest_key_is_found_for_a_slip_and_for_nothing_else() -> None:
    keys = keys_of("nvinfer", "property") or {}
    assert nearest("net-scale-facter", keys) == "net-scale-factor"
    assert nearest("process_mode", keys) == "process-mode"
    assert nearest("gallery", keys) is None
