"""The files that InsightFace published, by sha256: names are reused for different weights, hashes are not."""

from __future__ import annotations

from dataclasses import dataclass

# The oracle of every parity check. Version 1.0 changed the default detection size: parity must say with what.
INSIGHTFACE_VERSION = "2.1"
INSIGHTFACE_LICENCE = "InsightFace pretrained weights: non-commercial research only"


@dataclass(frozen=True)
class PublishedFile:
    """One published model file."""

    name: str
    licence: str = INSIGHTFACE_LICENCE


PUBLISHED: dict[str, PublishedFile] = {
    "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91": PublishedFile("det_10g.onnx"),
    "041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9": PublishedFile("det_2.5g.onnx"),
    "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a": PublishedFile("det_500m.onnx"),
    "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43": PublishedFile("w600k_r50.onnx"),
    "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f": PublishedFile("w600k_mbf.onnx"),
    "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf": PublishedFile("glintr100.onnx"),
    "f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf": PublishedFile("2d106det.onnx"),
    "df5c06b8a0c12e422b2ed8947b8869faa4105387f199c477af038aa01f9a45cc": PublishedFile("1k3d68.onnx"),
    "4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb": PublishedFile("genderage.onnx"),
}
