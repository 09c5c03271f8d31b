from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from batchproof.errors import InputError
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.scrfd import SCRFD
from batchproof.export.resolve import configured_model
from batchproof.export.seeded import seeded
from batchproof.export.source_network import network_of
from batchproof.zoo import families
from batchproof.zoo.pack import CheckpointSource, ConfiguredSource, NetworkSource, RecoveredSource, SeededSource
from tests.export.mmdet.configs import RESNET, RESNET_VARIANT, written

NAME = "scrfd_500m_bnkps"


def checkpoint(folder: Path) -> NetworkSource:
    torch.save(seeded(NAME, 5).state_dict(), folder / "det.pth")
    return CheckpointSource(folder / "det.pth", NAME)


def recovered(folder: Path) -> NetworkSource:
    export_onnx(seeded(NAME, 5), families.scrfd(), folder / "det.onnx", metadata={})
    return RecoveredSource(folder / "det.onnx", NAME)


@pytest.mark.parametrize("source", [checkpoint, recovered, lambda folder: SeededSource(NAME, 5)])
def test_every_source_gives_its_network(tmp_path: Path, source: Callable[[Path], NetworkSource]) -> None:
    network, images = network_of(source(tmp_path)), torch.rand(1, 3, 64, 64)
    assert not network.training
    with torch.inference_mode():
        pairs = zip(network(images), seeded(NAME, 5)(images), strict=True)
    assert all((found - expected).abs().max() < 1e-4 for found, expected in pairs)


def test_a_configured_source_gives_its_network(tmp_path: Path) -> None:
    pytest.importorskip("mmengine", reason="the extra 'mmdet' is not installed")
    network, images = SCRFD(RESNET_VARIANT).eval(), torch.rand(1, 3, 64, 64)
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    config = written(tmp_path / "mine.py", RESNET)
    model = configured_model(tmp_path / "mine.pth", config)
    assert isinstance(model.source, ConfiguredSource)
    found = network_of(model.source)
    with torch.inference_mode():
        assert all(torch.equal(a, b) for a, b in zip(found(images), network(images), strict=True))


def test_a_file_that_has_become_another_is_refused(tmp_path: Path) -> None:
    source = recovered(tmp_path)
    export_onnx(seeded("scrfd_500m", 5), families.scrfd(keypoints=False), tmp_path / "det.onnx", metadata={})
    with pytest.raises(InputError, match=rf"nearly a {NAME}, but it has 6 outputs where 9 are expected"):
        network_of(source)
