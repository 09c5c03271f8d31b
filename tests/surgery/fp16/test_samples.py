from __future__ import annotations

import numpy as np
import pytest

from batchproof.errors import InputError
from batchproof.surgery.fp16.samples import noise_samples, picture_samples
from batchproof.zoo import families

DETECTOR, EMBEDDER = families.scrfd().input, families.arcface().input
PIXELS = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)


def test_crops_of_the_models_own_size_stay_as_they_are() -> None:
    samples = picture_samples([PIXELS], EMBEDDER, (640, 640))
    restored = samples.blob[0].transpose(1, 2, 0)[..., ::-1] * EMBEDDER.std + EMBEDDER.mean
    assert np.array_equal(np.rint(restored), PIXELS)
    assert (samples.scales, samples.name) == ((1.0,), "1 picture at 112x112")


def test_pictures_are_fitted_into_the_size_asked_for_where_it_is_free() -> None:
    samples = picture_samples([PIXELS, PIXELS[:56]], DETECTOR, (64, 96))
    assert samples.blob.shape == (2, 3, 64, 96)
    assert samples.scales == pytest.approx((64 / 112, 48 / 56))


def test_noise_has_the_models_own_size_and_is_the_same_every_time() -> None:
    assert noise_samples(DETECTOR, (64, 96)).blob.shape == (3, 3, 64, 96)
    assert noise_samples(EMBEDDER, (64, 96)).name == "3 images of noise at 112x112"
    assert noise_samples(DETECTOR, (64, 96)).sha256 == noise_samples(DETECTOR, (64, 96)).sha256


def test_the_hash_knows_values_and_shape() -> None:
    first = noise_samples(DETECTOR, (64, 96))
    second = noise_samples(DETECTOR, (96, 64))
    changed = noise_samples(DETECTOR, (64, 96))
    changed.blob[2, 2, 63, 95] += 1
    assert len({first.sha256, second.sha256, changed.sha256}) == 3


def test_a_size_that_does_not_suit_the_model_is_refused() -> None:
    with pytest.raises(InputError, match="multiples of 32"):
        picture_samples([PIXELS], DETECTOR, (100, 100))
