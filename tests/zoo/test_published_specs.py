from __future__ import annotations

from pathlib import Path

from batchproof.artifacts import onnx_file
from batchproof.zoo.pack import PUBLISHED_PACKS
from batchproof.zoo.published import PUBLISHED
from batchproof.zoo.published_specs import PUBLISHED_SPECS
from batchproof.zoo.recognise import recognise


def test_every_published_file_has_a_spec() -> None:
    packed = {name for names in PUBLISHED_PACKS.values() for name in names}
    assert set(PUBLISHED_SPECS) == packed
    assert {file.name.removesuffix(".onnx") for file in PUBLISHED.values()} <= packed


def test_the_files_that_are_here_are_recognised_as_what_is_said_of_them(test_data: Path) -> None:
    here = [name for name in PUBLISHED_SPECS if (test_data / "models" / f"{name}.onnx").exists()]
    assert len(here) >= 2
    for name in here:
        assert recognise(onnx_file.read(test_data / "models" / f"{name}.onnx")).spec == PUBLISHED_SPECS[name]
