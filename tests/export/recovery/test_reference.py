from __future__ import annotations

import pytest

from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.layers import LINEAR
from batchproof.export.recovery.reference import linear_shapes, reference_graph


@pytest.mark.parametrize("name", ["scrfd_500m", "scrfd_500m_bnkps", "mbf_w600k", "mobilefacenet_112"])
def test_every_key_that_takes_part_is_an_operand_of_a_layer(name: str) -> None:
    keys = set(architecture(name).skeleton().state_dict())
    used = {operand.source for layer in reference_graph(architecture(name)).layers() for operand in layer.operands}
    assert keys - used == {key for key in keys if key.endswith("num_batches_tracked")}


@pytest.mark.parametrize("name", ["scrfd_500m", "scrfd_2.5g_gnkps", "vit_t", "adaface_ir18", "mbf_w600k"])
def test_the_layers_that_run_are_those_of_the_graph(name: str) -> None:
    graph = reference_graph(architecture(name))
    shapes = {key: tuple(tensor.shape) for key, tensor in architecture(name).skeleton().state_dict().items()}
    used = [shapes[layer.operands[0].source] for layer in graph.layers() if layer.kind in LINEAR and layer.operands]
    assert sorted(linear_shapes(architecture(name))) == sorted(used)


def test_a_graph_is_traced_once() -> None:
    assert reference_graph(architecture("mbf")) is reference_graph(architecture("mbf"))


def test_its_norms_are_not_folded() -> None:
    layers = reference_graph(architecture("mobilefacenet_112")).layers()
    kinds = [layer.kind for layer in layers]
    assert (kinds.count("BatchNormalization"), kinds.count("Conv")) == (51, 51)
