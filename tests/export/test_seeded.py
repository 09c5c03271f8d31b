from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from batchproof.errors import InputError
from batchproof.export.recognise import recognise_checkpoint
from batchproof.export.seeded import RECIPES, seeded
from batchproof.pipeline.detect import prepare
from batchproof.validate.pictures import read_picture
from batchproof.zoo import families, pack

DEMO_SEEDS = {"scrfd_500m_bnkps": 500, "mbf": 112}
HASHES = {
    "scrfd_500m_bnkps": "cb7d9a186aa18a470db591ac82ff13604533683350dfa0e881490fff7ae63ffb",
    "mbf": "aaec04650eb81b0aa98793009723938d70bef32a26fd94f1e6bd7867854dea89",
}


def sha256(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for key, tensor in network.state_dict().items():
        digest.update(key.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def pictures(count: int, size: int) -> Tensor:
    """Like photographs: strong coarse structure, weak fine structure, and edges."""
    generator = torch.Generator().manual_seed(3)
    picture = torch.zeros(count, 3, size, size)
    for cells in (2, 4, 8, 16, 32):
        noise = torch.randn(count, 3, cells, cells, generator=generator) / cells**0.5
        picture += interpolate(noise, size=(size, size), mode="nearest" if cells == 8 else "bilinear")
    return picture.clamp(-1, 1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_demo_pack_has_recipes() -> None:
    sources = [model.source for model in pack.DEMO.models]
    assert {
        source.architecture: source.seed for source in sources if isinstance(source, pack.SeededSource)
    } == DEMO_SEEDS


@pytest.mark.parametrize("name", RECIPES)
def test_the_bytes_are_the_same_everywhere(name: str, one_thread: None) -> None:
    assert sha256(seeded(name, DEMO_SEEDS[name])) == HASHES[name]


@pytest.mark.parametrize("name", RECIPES)
def test_the_seed_alone_decides(name: str) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = sha256(seeded(name, 7))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert sha256(seeded(name, 7)) == first
    assert sha256(seeded(name, 8)) != first


@pytest.mark.parametrize("name", RECIPES)
def test_the_architecture_is_the_true_one(name: str) -> None:
    assert recognise_checkpoint(seeded(name, 0).state_dict()).architecture == name


def test_an_architecture_without_a_recipe_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"no seeded weights for 'mbf_large'\. There are some for scrfd_500m_bnkps, mbf"
    ):
        seeded("mbf_large", 0)


@pytest.mark.parametrize("seed", [500, 112, 1])
@pytest.mark.parametrize(("name", "size"), [("scrfd_500m_bnkps", 320), ("mbf", 112)])
def test_activations_neither_die_nor_explode(name: str, size: int, seed: int) -> None:
    network, deviations = seeded(name, seed), []

    def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
        deviations.append(float(output.std()))

    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.register_forward_hook(note)
    with torch.inference_mode():
        network(pictures(3, size))
    assert len(deviations) > 40
    assert min(deviations) > 0.1
    assert max(deviations) < 10


def assert_detections_are_plausible(network: nn.Module, image: Tensor) -> None:
    with torch.inference_mode():
        outputs = [output[0] for output in network(image[None])]
    found = [score[:, 0] > 0.5 for score in outputs[:3]]
    assert 20 <= sum(int(mask.sum()) for mask in found) <= 800
    assert all(output.isfinite().all() for output in outputs)
    boxes = torch.cat([box[mask] * stride for box, mask, stride in zip(outputs[3:6], found, (8, 16, 32), strict=True)])
    sides = torch.cat([boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]])
    assert (sides > 0).float().mean() > 0.95
    assert 8 < float(sides.median()) < 200
    assert float(sides.std()) > 0.2 * float(sides.median())


@pytest.mark.parametrize("picture", ["Stallone.jpg", "lumia.jpg", "solvay_conference_1927.png"])
def test_the_demo_detector_finds_something_in_photographs(test_data: Path, picture: str) -> None:
    pixels = read_picture(test_data / "images" / picture).pixels
    image = torch.from_numpy(prepare([pixels], families.scrfd().input, 640, 640).blob[0])
    assert_detections_are_plausible(seeded("scrfd_500m_bnkps", DEMO_SEEDS["scrfd_500m_bnkps"]), image)


def test_the_demo_embedder_tells_pictures_apart() -> None:
    with torch.inference_mode():
        embeddings = seeded("mbf", DEMO_SEEDS["mbf"])(pictures(6, 112))
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    cosines = (unit @ unit.T)[~torch.eye(6, dtype=torch.bool)]
    assert float(cosines.max()) < 0.95
