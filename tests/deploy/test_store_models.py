from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.deploy.store_models import StoreModels
from batchproof.errors import InputError
from tests.deploy.deepstream.stores import ALL_MODELS, store


def test_the_command_is_the_run_that_made_the_store(tmp_path: Path) -> None:
    root = tmp_path / "an out" / "tiny"
    models = StoreModels(root, store(root, ALL_MODELS), "ort")
    out = tmp_path.resolve() / "an out"
    assert models.command == f"batchproof run --models DIR --pack tiny --out '{out}' --target ort"
    known = replace(models, manifest=replace(models.manifest, pack="buffalo_l"))
    assert known.command.startswith("batchproof run --pack buffalo_l ")


def test_heads_are_those_that_can_be_used_in_the_order_of_the_store(tmp_path: Path) -> None:
    models = StoreModels(tmp_path, store(tmp_path, ALL_MODELS), "ort")
    assert models.heads(lambda _: True) == ["2d106det", "genderage"]
    assert models.heads(lambda name: name == "genderage") == ["genderage"]


def test_a_pack_whose_name_would_be_written_everywhere_is_refused(tmp_path: Path) -> None:
    hostile = replace(store(tmp_path), pack="a\nb")
    with pytest.raises(InputError, match="has a name that a bundle cannot hold"):
        _ = StoreModels(tmp_path, hostile, "ort").pack
