from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.deploy.lint.version import read_version, shown, version_of_manifest, version_of_target
from batchproof.errors import InputError
from batchproof.targets import all_targets


def test_every_deepstream_that_is_a_target_is_a_release() -> None:
    names = [target.name for target in all_targets() if target.family == "deepstream"]
    assert [f"deepstream-{shown(version_of_target(name))}" for name in names] == names
    assert read_version("9.10") > read_version("9.2")


def test_other_targets_are_refused() -> None:
    with pytest.raises(InputError, match="is no DeepStream"):
        version_of_target("triton-26.07")
    with pytest.raises(InputError, match="is not known"):
        version_of_target("deepstream-1.0")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"target": "deepstream-8.0"}', (8, 0)),
        ('{"target": "triton-26.07"}', None),
        ('{"target": ["deepstream-8.0"]}', None),
        ('{"target": "deepstream-8.0.1"}', None),
        ("[]", None),
        ("[" * 100_000, None),
        ("\xff", None),
    ],
)
def test_the_manifest_names_the_release_or_nothing_does(
    tmp_path: Path, content: str, expected: tuple[int, int] | None
) -> None:
    (tmp_path / "manifest.json").write_text(content, encoding="latin-1")
    assert version_of_manifest(tmp_path) == expected


def test_a_folder_without_a_manifest_names_nothing(tmp_path: Path) -> None:
    assert version_of_manifest(tmp_path) is None
