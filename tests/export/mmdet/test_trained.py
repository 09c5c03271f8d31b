from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from batchproof.errors import InputError
from batchproof.export import source_network
from batchproof.export.check import check_against_torch
from batchproof.export.exporter import export_onnx
from batchproof.export.mmdet.trained import check_trained, trained_network
from batchproof.export.networks.scrfd import SCRFD, Variant
from batchproof.export.resolve import configured_model
from batchproof.export.source_network import network_of
from batchproof.export.stage import export
from batchproof.policy import load_policy
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from batchproof.zoo.pack import ConfiguredSource, NetworkSource
from tests.export.mmdet.configs import (
    MOBILENET,
    MOBILENET_VARIANT,
    RESNET,
    RESNET_VARIANT,
    Config,
    changed,
    written,
)
from tests.export.networks.alive import alive

pytest.importorskip("mmengine", reason="the extra 'mmdet' is not installed")

LIMITS = load_policy().export


def trained(variant: Variant) -> nn.Module:
    torch.manual_seed(0)
    return alive(SCRFD(variant), (64, 96))


def saved(path: Path, network: nn.Module) -> Path:
    """Write a checkpoint as mmdet's runner does."""
    weights: dict[str, Tensor] = {**network.state_dict(), "bbox_head.integral.project": torch.arange(9.0)}
    torch.save({"meta": {"epoch": 640}, "state_dict": weights, "optimizer": {"lr": 0.1}}, path)
    return path


@pytest.mark.parametrize(
    ("model", "variant"), [(RESNET, RESNET_VARIANT), (MOBILENET, MOBILENET_VARIANT)], ids=["ResNetV1e", "MobileNetV1"]
)
def test_a_retrained_detector_of_invented_widths_goes_through(tmp_path: Path, model: Config, variant: Variant) -> None:
    network = trained(variant)
    config, checkpoint = written(tmp_path / "mine.py", model), saved(tmp_path / "mine.pth", network)
    configured, _ = check_trained(config, checkpoint)
    loaded = trained_network(ConfiguredSource(checkpoint, configured.files, ""))
    images = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        pairs = zip(network(images), loaded(images), strict=True)
    assert all(torch.equal(original, again) for original, again in pairs)
    file = tmp_path / "mine.onnx"
    export_onnx(loaded, configured.spec, file, metadata={})
    assert check_against_torch(loaded, configured.spec, file, "mine", LIMITS).status is Status.PASS
    assert prove(onnx.load(file)).status is Status.PROVEN


def test_weights_of_another_configuration_are_refused_with_the_keys(tmp_path: Path) -> None:
    config = written(tmp_path / "mine.py", changed(RESNET, neck__out_channels=12, bbox_head__in_channels=12))
    checkpoint = saved(tmp_path / "mine.pth", trained(RESNET_VARIANT))
    expected = (
        r"mine\.pth: does not fit the network of mine\.py: \d+ mis-shaped: 'neck\.lateral_convs\.0\.conv\.weight' "
        r"\[10, 12, 1, 1\] instead of \[12, 12, 1, 1\]"
    )
    with pytest.raises(InputError, match=expected):
        check_trained(config, checkpoint)


def test_a_network_beyond_any_detector_is_refused_before_it_is_in_memory(tmp_path: Path) -> None:
    """120 GB of weights; that nothing of them is there is what lets this test end."""
    wide: Config = {"block": "Bottleneck", "stage_blocks": (50, 50, 50, 50), "stage_planes": [2048] * 4}
    huge = changed(RESNET, backbone__block_cfg=wide, neck__in_channels=[8192] * 4)
    expected = rf"mine\.py: configuration refused: it describes a network of \d{{10,}} weights, more than {2**28}"
    with pytest.raises(InputError, match=expected):
        check_trained(written(tmp_path / "mine.py", huge), tmp_path / "not read.pth")


NORMALIZE = {"type": "Normalize", "mean": [104.0] * 3, "std": [2.0] * 3, "to_rgb": True}


@pytest.mark.parametrize("changing", ["mine.py", "base.py"])
def test_a_configuration_that_changes_after_the_model_was_recognised_is_refused(tmp_path: Path, changing: str) -> None:
    config, checkpoint = tmp_path / "mine.py", saved(tmp_path / "mine.pth", SCRFD(RESNET_VARIANT))
    config.write_text("_base_ = 'base.py'\n")
    written(tmp_path / "base.py", RESNET, test_pipeline=[NORMALIZE])
    model = configured_model(checkpoint, config)
    assert model.spec.input.mean == 104.0
    other = {**NORMALIZE, "mean": [50.0] * 3}
    with (tmp_path / changing).open("a") as file:
        file.write(f"test_pipeline = [{other}]\n")
    with pytest.raises(InputError, match=rf"{changing}: has changed since the model was recognised"):
        export(model, tmp_path / "mine.onnx", LIMITS)


def test_the_file_that_is_exported_names_by_hash_the_configuration_that_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built_and_changed(source: NetworkSource) -> nn.Module:
        network = network_of(source)
        config.write_text("x = 1")
        return network

    config = written(tmp_path / "mine.py", RESNET)
    model = configured_model(saved(tmp_path / "mine.pth", trained(RESNET_VARIANT)), config)
    expected = hashlib.sha256(config.read_bytes()).hexdigest()
    monkeypatch.setattr(source_network, "network_of", built_and_changed)
    export(model, tmp_path / "mine.onnx", LIMITS)
    metadata = {entry.key: entry.value for entry in onnx.load(tmp_path / "mine.onnx").metadata_props}
    assert metadata["batchproof.config_sha256"] == expected
