from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.deploy.lint.reading import read_bundle
from batchproof.deploy.lint.side_files import largest_batches, scripts
from tests.deploy.lint.bundles import PGIE, written


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.io.json", '{"profiles": ["1,4,8@640x640", "1,1,16"]}', 16),
        ("a.io.json", '{"profiles": []}', None),
        ("a.io.json", '{"profiles": [3]}', None),
        ("a.io.json", '{"profiles": ["many"]}', None),
        ("a.io.json", "[]", None),
        ("a.io.json", "[" * 100_000, None),
        ("m/config.pbtxt", 'name: "m"\n  max_batch_size : 8\n', 8),
        ("m/config.pbtxt", 'name: "m"\n# max_batch_size: 8\n', None),
    ],
)
def test_descriptions_and_model_configurations_tell_their_largest_batch(
    tmp_path: Path, name: str, text: str, expected: int | None
) -> None:
    written(tmp_path, {name: text})
    assert largest_batches(tmp_path, [name]) == ({} if expected is None else {name: expected})


def test_what_a_script_or_makefile_names_need_not_be_there_yet(tmp_path: Path) -> None:
    files = {"a.job": "job a.engine fp32\n", "sub/Makefile": "all: a.so\n", "notes.txt": "b.so\n", "pgie.txt": PGIE}
    written(tmp_path, files)
    assert scripts(tmp_path, files) == "job a.engine fp32\n\nall: a.so\n"
    read = read_bundle(tmp_path)
    assert [read.is_made_here(path) for path in ("x/a.engine", "a.so", "b.so")] == [True, True, False]
