from __future__ import annotations

import re

import pytest

from batchproof.errors import InputError
from batchproof.targets import Target, all_targets, target
from batchproof.targets.catalogue import TARGETS, read_targets

TEXT = TARGETS.read_text(encoding="utf-8")


def test_every_target_is_found_by_its_name_alone() -> None:
    names = [known.name for known in all_targets()]
    assert len(set(names)) == len(names)
    assert [target(name).name for name in names] == names
    assert {"ort", "ort-cuda", "ort-tensorrt", "rtx", "local", "deepstream-9.1", "triton-26.07"} <= {*names}


@pytest.mark.parametrize("known", all_targets(), ids=lambda known: known.name)
def test_what_a_target_says_fits_together(known: Target) -> None:
    assert ("hardware" in known.options) == bool(known.hardware)
    assert bool(known.provider) == (known.builder == "ort")
    assert bool(known.container) == bool(known.tensorrt)
    assert not known.tensorrt or re.fullmatch(r"\d+\.\d+(\.\d+\.\d+)?", known.tensorrt)
    assert not known.tensorrt or known.builder == "tensorrt"
    assert all(getattr(known, field) for field in known.unconfirmed)
    assert known.container.split(":")[-1].startswith(known.product.split()[-1] if known.container else "")
    assert ("fp16" in known.precisions) == (not known.tensorrt.startswith("8."))
    assert known.profiles == known.minimum == (1 if known.name.startswith("deepstream") else None)
    assert bool(known.usage) == bool(known.container)


@pytest.mark.parametrize("known", [known for known in all_targets() if known.container], ids=lambda known: known.name)
def test_options_come_with_the_release_that_has_them(known: Target) -> None:
    line = known.release
    assert ("distributive_independence" in known.options) == (line >= (10, 12))
    assert ("optimisation_level" in known.options) == (line >= (8, 6))
    assert ("same-capability" in known.hardware) == (line >= (10, 9))
    assert ("version_compatible" in known.options) == known.name.startswith("triton")


def test_an_unknown_target_is_answered_with_the_closest() -> None:
    with pytest.raises(InputError) as caught:
        target("DeepStream-9.3")
    line = caught.value.line()
    assert line.startswith("target 'DeepStream-9.3' is not known. Choose deepstream-9.")
    assert line.endswith(", or another of docs/targets.md.")
    assert [name.split(".")[0] for name in re.findall(r"deepstream-[\d.]+\d", line)] == ["deepstream-9"] * 3


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('product = "TensorRT-RTX"', 'product = "TensorRT-RTX"\nproducer = "N"', "producer"),
        ('options = ["tf32", "workspace_mib"]', 'options = ["tf64"]', "options"),
        ('provider = "CPUExecutionProvider"', "provider = 1", "provider"),
        ('precisions = ["fp32"]', 'precisions = ["int4"]', "precisions"),
        ('hardware = ["ampere+"]', 'hardware = ["turing"]', "hardware"),
        ('product = "Triton 26.07"', "", "product"),
        ('family = "session"', 'family = "sessions"', "sessions"),
    ],
)
def test_a_fault_in_the_data_is_named(old: str, new: str, named: str) -> None:
    assert old in TEXT
    with pytest.raises((ValueError, KeyError), match=named):
        read_targets(TEXT.replace(old, new, 1))
