from __future__ import annotations

import pytest

from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.reference import reference_graph


@pytest.mark.parametrize("name", ["scrfd_500m", "scrfd_500m_bnkps", "mbf_w600k", "mobilefacenet_112"])
def test_every_key_that_takes_part_is_an_operand_of_a_layer(name: str) -> None:
    keys = set(architecture(name).skeleton().state_dict())
    used = {operand.source for layer in reference_graph(architecture(name)).layers() for operand in layer.operands}
    assert keys - used == {key for key in keys if key.endswith("num_batches_tracked")}


def test_its_norms_are_not_folded() -> None:
    layers = reference_graph(architecture("mobilefacenet_112")).layers()
    kinds = [layer.kind for layer in layers]
    assert (kinds.count("BatchNormalization"), kinds.count("Conv")) == (51, 51)
