from __future__ import annotations

import math

from batchproof.deploy.triton.memory import shared_memory
from batchproof.zoo import families
from tests.deploy.triton.plans import network, plan


def test_there_is_room_for_every_frame_that_can_be_on_its_way() -> None:
    one = plan(frames=1, instances=1, heads=(), detector=network("det", families.scrfd(), "1,1,1"))
    frame = 25_000_000 * 3
    rows = 2 * (80 * 80 + 40 * 40 + 20 * 20)
    request = max(3 * 640 * 640 * 4 + rows * 15 * 4, 8 * (3 * 112 * 112 + 512) * 4)
    assert shared_memory(one).mib == math.ceil((frame + request) * 1.25 / 2**20)
    more = plan(frames=4, instances=3, heads=(), detector=network("det", families.scrfd(), "1,1,4"))
    assert shared_memory(more).mib >= 12 * frame / 2**20
    assert "3 instances x 4 frames x 25 megapixels x 3 bytes" in shared_memory(more).origin


def test_networks_in_python_have_their_batches_there_too() -> None:
    assert shared_memory(plan(backend="python")).mib > shared_memory(plan(backend="onnxruntime")).mib
    assert shared_memory(plan(backend="onnxruntime")) == shared_memory(plan(backend="tensorrt"))
